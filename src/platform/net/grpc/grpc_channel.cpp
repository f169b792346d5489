#include <atomic>
#include <condition_variable>
#include <utility>

#include <grpcpp/alarm.h>
#include <grpcpp/create_channel.h>

#include <verge/platform/net/grpc/frame_stream.hpp>
#include <verge/platform/net/grpc/grpc_channel.hpp>
#include <verge/platform/net/grpc/grpc_support.hpp>
#include <verge/platform/net/grpc/wire.grpc.pb.h>

namespace verge::net {
namespace {

// Ends in its owner's thread: gRPC joins its own threads where the last channel goes.
class ClientStream final : public FrameStream,
                           public grpc::ClientBidiReactor<wire::Frame, wire::Frame> {
 public:
  ClientStream(const StreamLimits& limits, const std::string& peer, const std::string& service,
               std::shared_ptr<grpc::Channel> channel, std::shared_ptr<ServerCheck> check)
      : FrameStream(limits, peer),
        channel_(std::move(channel)),
        stub_(wire::Streams::NewStub(channel_)),
        check_(std::move(check)) {
    context_.AddMetadata(kServiceKey, service);
  }

  // Once started, it must be waited for.
  void start() {
    stub_->async()->Open(&context_, this);
    AddHold();  // for writes and reads that other threads start
    begin();
    StartCall();
  }

  void wait_until_done() {
    std::unique_lock lock(done_mutex_);
    done_changed_.wait(lock, [this] { return pending_ == 0; });
  }

 private:
  void start_write(const wire::Frame& frame) override { StartWrite(&frame); }
  void start_read(wire::Frame& frame) override { StartRead(&frame); }
  void end_writing() override { StartWritesDone(); }
  void end_all(const Error* why) override {
    if (why != nullptr || has_peer_ended()) {
      context_.TryCancel();  // tells the server that all it sent was read
    } else {
      limit_lingering();
    }
    RemoveHold();
  }
  void limit_lingering() override {
    if (std::exchange(is_limited_, true)) return;
    {
      const std::lock_guard lock(done_mutex_);
      ++pending_;
    }
    alarm_.Set(grpc_deadline(limits().linger_s), [this](bool) {
      context_.TryCancel();
      count_down();
    });
  }
  void on_hello() override { was_greeted_ = true; }

  void OnReadDone(bool ok) override { was_read(ok); }
  void OnWriteDone(bool ok) override { was_written(ok); }
  void OnDone(const grpc::Status& status) override {
    const std::optional<Error> refusal = check_->refusal();
    has_ended(was_greeted_ ? error_of_call(status, peer())
              : refusal    ? *refusal
                           : error_of_dialling(status, peer()));
    alarm_.Cancel();
    count_down();
  }
  void count_down() {
    const std::lock_guard lock(done_mutex_);
    --pending_;
    done_changed_.notify_all();
  }

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<wire::Streams::Stub> stub_;
  std::shared_ptr<ServerCheck> check_;
  grpc::ClientContext context_;
  grpc::Alarm alarm_;
  bool is_limited_ = false;
  std::atomic<bool> was_greeted_ = false;
  std::mutex done_mutex_;
  std::condition_variable done_changed_;
  int pending_ = 1;  // calls back that gRPC owes
};

class ClientChannel final : public FrameChannel {
 public:
  explicit ClientChannel(std::unique_ptr<ClientStream> stream)
      : FrameChannel(*stream), stream_(std::move(stream)) {}
  ~ClientChannel() override {
    stream_->close();
    stream_->wait_until_done();
  }

 private:
  std::unique_ptr<ClientStream> stream_;
};

std::shared_ptr<grpc::Channel> channel_to(const std::string& target, const StreamLimits& limits,
                                          std::shared_ptr<grpc::ChannelCredentials> credentials) {
  grpc::ChannelArguments arguments;
  set_client_arguments(arguments, limits);
  return grpc::CreateCustomChannel(target, credentials, arguments);
}

}  // namespace

Result<std::unique_ptr<Channel>> dial(const std::string& address, const Credentials& own,
                                      int64_t now_unix_s, const DialOptions& options,
                                      CertificateFacts* peer) {
  VERGE_TRY(const Address parsed, Address::parse(address));
  VERGE_RETURN_IF_ERROR(own.check_valid(now_unix_s));
  VERGE_TRY(const std::string target, target_of(parsed, options.timeout_s));
  Trust trust{.authority = own.authority(),
              .host = options.node.empty() ? parsed.host : "",
              .node = options.node,
              .now_unix_s = now_unix_s,
              .check = [revoked = own.revoked()](const CertificateFacts& server) {
                return revoked.check(server);
              }};
  const auto facts = std::make_shared<CertificateFacts>();
  auto check = std::make_shared<ServerCheck>(
      [trust = std::move(trust), address, facts](std::string_view chain) -> Status {
        VERGE_TRY(*facts, verify_server(chain, trust, address));
        return {};
      });
  auto channel = channel_to(target, options.limits, client_tls(&own, check));
  auto stream = std::make_unique<ClientStream>(options.limits, address, options.service,
                                               std::move(channel), std::move(check));
  stream->start();
  const std::stop_callback on_stop(options.stop, [&address, dialled = stream.get()] {
    dialled->fail(make_error(Code::Cancelled, "{}: dialling was given up", address));
  });
  if (const Status greeted = stream->wait_for_hello(options.timeout_s); !greeted) {
    stream->fail(greeted.error());
    stream->wait_until_done();
    return greeted.error();
  }
  if (peer != nullptr) *peer = *facts;
  return std::unique_ptr<Channel>(std::make_unique<ClientChannel>(std::move(stream)));
}

}  // namespace verge::net
