#include <condition_variable>
#include <map>
#include <set>
#include <utility>

#include <grpcpp/alarm.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <verge/platform/net/grpc/frame_stream.hpp>
#include <verge/platform/net/grpc/grpc_server.hpp>
#include <verge/platform/net/grpc/grpc_support.hpp>
#include <verge/platform/net/grpc/wire.grpc.pb.h>

namespace verge::net {
namespace {

using FrameReactor = grpc::ServerBidiReactor<wire::Frame, wire::Frame>;

class ServerStream;

// Which streams there are.
class Registry {
 public:
  Registry(const GrpcServerOptions& options, RevocationList revoked, GrpcServer::OnPeer on_peer)
      : options(options), on_peer(std::move(on_peer)), revoked_(std::move(revoked)) {}

  Status add(const std::shared_ptr<ServerStream>& stream, const std::string& node);
  void refuse(RevocationList revoked);
  void remove(const ServerStream* stream, const std::string& node);
  void end_all();
  int count() const;
  void wait_until_empty();

  const GrpcServerOptions options;
  const GrpcServer::OnPeer on_peer;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<const ServerStream*, std::shared_ptr<ServerStream>> streams_;
  std::map<std::string, int> of_node_;
  RevocationList revoked_;
  bool is_stopping_ = false;
};

class ServerStream final : public FrameStream,
                           public FrameReactor,
                           public std::enable_shared_from_this<ServerStream> {
 public:
  ServerStream(Peer from, const std::string& peer, std::shared_ptr<Registry> registry,
               grpc::CallbackServerContext* context)
      : FrameStream(registry->options.limits, peer),
        from_(std::move(from)),
        registry_(std::move(registry)),
        context_(context) {}

  const CertificateFacts& facts() const { return from_.facts; }

  void start() {
    begin();
    hello_alarm_.Set(grpc_deadline(limits().hello_s), [weak = weak_from_this()](bool is_due) {
      const auto stream = is_due ? weak.lock() : nullptr;
      if (stream) stream->expect_hello();
    });
  }

 private:
  void start_write(const wire::Frame& frame) override { StartWrite(&frame); }
  void start_read(wire::Frame& frame) override { StartRead(&frame); }
  // The end of the call would take from the client what it has not read yet: the client ends it
  // when it has the last frame. Who does not wait for that has a limit: close() lingers, the server
  // drains.
  void end_writing() override {}
  void end_all(const Error* why) override {
    limit_lingering();
    Finish(why == nullptr ? grpc::Status::OK : grpc_status(*why));
  }
  void limit_lingering() override {
    if (std::exchange(is_limited_, true)) return;
    alarm_.Set(grpc_deadline(limits().linger_s), [weak = weak_from_this()](bool is_due) {
      const auto stream = is_due ? weak.lock() : nullptr;
      if (stream) stream->cancel();
    });
  }
  Error lost() const {
    return make_error(Code::Io, "{}: the link was lost; the node has to dial again", peer());
  }
  void expect_hello() {
    if (wait_for_hello(0)) return;
    fail(make_error(Code::Denied, "{}: said nothing for {} s; is it a Verge node?", peer(),
                    limits().hello_s));
  }
  void cancel() {
    const std::lock_guard lock(context_mutex_);
    if (context_ != nullptr) context_->TryCancel();
  }
  void on_hello() override;

  void OnReadDone(bool ok) override { was_read(ok); }
  void OnWriteDone(bool ok) override { was_written(ok); }
  void OnCancel() override { fail(lost()); }
  void OnDone() override {
    const auto self = shared_from_this();
    {
      const std::lock_guard lock(context_mutex_);
      context_ = nullptr;
    }
    has_ended(lost());
    hello_alarm_.Cancel();
    alarm_.Cancel();
    registry_->remove(this, from_.facts.node);
  }

  const Peer from_;
  const std::shared_ptr<Registry> registry_;
  std::mutex context_mutex_;
  grpc::CallbackServerContext* context_;  // until OnDone
  grpc::Alarm alarm_, hello_alarm_;
  bool is_limited_ = false;
};

class ServerChannel final : public FrameChannel {
 public:
  explicit ServerChannel(std::shared_ptr<ServerStream> stream)
      : FrameChannel(*stream), stream_(std::move(stream)) {}
  ~ServerChannel() override { stream_->close(); }

 private:
  std::shared_ptr<ServerStream> stream_;
};

void ServerStream::on_hello() {
  registry_->on_peer(from_, std::make_unique<ServerChannel>(shared_from_this()));
}

void Registry::refuse(RevocationList revoked) {
  std::vector<std::pair<std::shared_ptr<ServerStream>, Error>> refused;
  {
    const std::lock_guard lock(mutex_);
    if (revoked.number() <= revoked_.number()) return;
    revoked_ = std::move(revoked);
    for (const auto& entry : streams_) {
      const Status status = revoked_.check(entry.second->facts());
      if (!status) refused.emplace_back(entry.second, status.error());
    }
  }
  for (const auto& [stream, why] : refused) stream->fail(why);
}

Status Registry::add(const std::shared_ptr<ServerStream>& stream, const std::string& node) {
  const std::lock_guard lock(mutex_);
  VERGE_RETURN_IF_ERROR(revoked_.check(stream->facts()));
  if (is_stopping_) return make_error(Code::Io, "the node is stopping; dial another one");
  if (streams_.size() >= static_cast<size_t>(options.max_channels)) {
    return make_error(Code::Busy, "all {} channels of the node are taken; dial again later",
                      options.max_channels);
  }
  int& own = of_node_[node];
  if (own >= options.max_channels_a_node) {
    return make_error(Code::Busy, "node \"{}\" has {} channels already; close some", node, own);
  }
  ++own;
  streams_.emplace(stream.get(), stream);
  return {};
}

void Registry::remove(const ServerStream* stream, const std::string& node) {
  const std::lock_guard lock(mutex_);
  streams_.erase(stream);
  if (--of_node_[node] == 0) of_node_.erase(node);
  changed_.notify_all();
}

void Registry::end_all() {
  std::vector<std::shared_ptr<ServerStream>> all;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    for (const auto& entry : streams_) all.push_back(entry.second);
  }
  for (const auto& stream : all) {
    stream->end_after_sending("the node was stopped");
  }
}

int Registry::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(streams_.size());
}

void Registry::wait_until_empty() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return streams_.empty(); });
}

class RefusedStream final : public FrameReactor {
 public:
  explicit RefusedStream(const Error& why) { Finish(grpc_status(why)); }
  void OnDone() override { delete this; }
};

std::string service_of(const grpc::CallbackServerContext& context) {
  const auto found = context.client_metadata().find(kServiceKey);
  if (found == context.client_metadata().end()) return {};
  return {found->second.data(), found->second.size()};
}

class StreamService final : public wire::Streams::CallbackService {
 public:
  explicit StreamService(std::shared_ptr<Registry> registry) : registry_(std::move(registry)) {}

  FrameReactor* Open(grpc::CallbackServerContext* context) override {
    const auto pem = context->auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
    if (pem.empty()) {
      return new RefusedStream(make_error(Code::Denied, "show a certificate of the fleet"));
    }
    auto facts = read_certificate({pem[0].data(), pem[0].size()}, context->peer());
    if (!facts) return new RefusedStream(facts.error());
    const std::string node = facts->node;
    Peer peer{std::move(*facts), service_of(*context)};
    if (const auto& accept = registry_->options.accept) {
      if (const Status accepted = accept(peer); !accepted) {
        return new RefusedStream(accepted.error());
      }
    }
    auto stream = std::make_shared<ServerStream>(
        std::move(peer), fmt::format("{} ({})", node, context->peer()), registry_, context);
    if (const Status added = registry_->add(stream, node); !added) {
      return new RefusedStream(added.error());
    }
    stream->start();
    return stream.get();  // the registry keeps it until OnDone
  }

 private:
  std::shared_ptr<Registry> registry_;
};

void set_server_limits(grpc::ServerBuilder& builder, const StreamLimits& limits) {
  builder.SetMaxReceiveMessageSize(most_frame_bytes(limits));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(limits.ping_s));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(limits.ping_timeout_s));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             milliseconds(kLeastPing_s));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 16);
}

}  // namespace

struct GrpcServer::State {
  State(const GrpcServerOptions& options, const RevocationList& revoked, OnPeer on_peer)
      : registry(std::make_shared<Registry>(options, revoked, std::move(on_peer))),
        service(registry) {}

  std::shared_ptr<Registry> registry;
  StreamService service;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

GrpcServer::GrpcServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<GrpcServer>> GrpcServer::start(const Credentials& own, int64_t now_unix_s,
                                                      const GrpcServerOptions& options,
                                                      OnPeer on_peer) {
  VERGE_RETURN_IF_ERROR(own.check_valid(now_unix_s));
  auto state = std::make_unique<State>(options, own.revoked(), std::move(on_peer));
  grpc::ServerBuilder builder;
  set_server_limits(builder, options.limits);
  builder.RegisterService(&state->service);
  const std::string address = Address{options.host, options.port}.text();
  builder.AddListeningPort(address, server_tls(own, ClientCertificate::Required), &state->port);
  state->server = builder.BuildAndStart();
  if (!state->server || state->port == 0) {
    return make_error(Code::Io,
                      "cannot listen on {}; another program may have the port, or the address is "
                      "not of this machine: choose another one",
                      address);
  }
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(state)));
}

GrpcServer::~GrpcServer() {
  stop(0);
}

int GrpcServer::port() const {
  return state_->port;
}

int GrpcServer::channels() const {
  return state_->registry->count();
}

void GrpcServer::refuse(RevocationList revoked) {
  state_->registry->refuse(std::move(revoked));
}

void GrpcServer::stop(double drain_s) {
  state_->registry->end_all();
  state_->server->Shutdown(grpc_deadline(drain_s));
  state_->registry->wait_until_empty();
}

}  // namespace verge::net
