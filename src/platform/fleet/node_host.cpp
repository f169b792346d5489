#include <atomic>
#include <list>
#include <mutex>
#include <thread>

#include <verge/platform/fleet/authority_service.hpp>
#include <verge/platform/fleet/meeting.hpp>
#include <verge/platform/fleet/node_counters.hpp>
#include <verge/platform/fleet/node_host.hpp>

namespace verge::fleet {
namespace {

// The others are the fleet's own, and pass while a node is paused: who keeps its authority's node
// from work still renews and puts out.
bool is_work(std::string_view service) {
  return service != kAuthorityService && service != kCountersService;
}

// Threads that end by themselves; those that did are joined when the next one begins.
class Workers {
 public:
  ~Workers() { join_all(); }

  template <typename Body>
  void run(Body body) {
    const std::lock_guard lock(mutex_);
    threads_.remove_if([](Worker& worker) { return worker.join_if_done(); });
    threads_.emplace_back().start(std::move(body));
  }

  void join_all() {
    std::list<Worker> all;
    {
      const std::lock_guard lock(mutex_);
      all.swap(threads_);
    }
    for (Worker& worker : all) worker.thread.join();
  }

 private:
  struct Worker {
    std::thread thread;
    std::atomic<bool> is_done = false;

    template <typename Body>
    void start(Body body) {
      thread = std::thread([this, body = std::move(body)]() mutable {
        body();
        is_done = true;
      });
    }
    bool join_if_done() {
      if (!is_done) return false;
      thread.join();
      return true;
    }
  };

  std::mutex mutex_;
  std::list<Worker> threads_;
};

}  // namespace

struct NodeHost::State {
  Capability capability;
  NodeHostOptions options;
  Services services;
  Met met;
  std::mutex met_mutex;
  std::atomic<bool> is_paused = false;
  std::atomic<int> work = 0;
  Workers workers;
  std::unique_ptr<net::GrpcServer> server;

  Status accept(const net::Peer& peer) const {
    if (peer.service == kService) return {};
    if (!services.contains(peer.service)) {
      return make_error(Code::NotFound, "{} has no service \"{}\"; start it there", capability.node,
                        peer.service);
    }
    if (!is_paused || !is_work(peer.service)) return {};
    return make_error(Code::Busy, "{} is paused; `verge node resume` there, or ask another node",
                      capability.node);
  }

  void begin(net::Peer peer, std::unique_ptr<Channel> channel) {
    if (peer.service == kService) {
      start_thread(std::move(peer.facts), std::move(channel),
                   [this](const auto& facts, auto its) { meet(facts, *its); });
      return;
    }
    const int counted = is_work(peer.service) ? 1 : 0;
    work += counted;
    start_thread(std::move(peer.facts), std::move(channel),
                 [this, counted, &service = services.find(peer.service)->second](const auto& facts,
                                                                                 auto its) {
                   service(facts, std::move(its));
                   work -= counted;
                 });
  }

  void start_thread(net::CertificateFacts facts, std::unique_ptr<Channel> channel,
                    Service service) {
    workers.run([facts = std::move(facts), service = std::move(service),
                 channel = std::move(channel)]() mutable { service(facts, std::move(channel)); });
  }

  void meet(const net::CertificateFacts& facts, Channel& channel) {
    const auto own = [this] { return Hello{.capability = capability, .paused = is_paused}; };
    const auto tell = [&](const Hello& peer) {
      const std::lock_guard lock(met_mutex);
      met(facts, peer.capability);
    };
    // The peer has heard what was wrong with its greeting; here it is no event.
    (void)answer_peer(channel, own, facts.node, tell, options.silence_s);
  }
};

NodeHost::NodeHost(std::unique_ptr<State> state) : state_(std::move(state)) {}

NodeHost::~NodeHost() {
  if (state_ != nullptr) stop(0);
}

Result<std::unique_ptr<NodeHost>> NodeHost::start(const net::Credentials& own,
                                                  const Capability& capability, int64_t now_unix_s,
                                                  const NodeHostOptions& options, Services services,
                                                  Met met) {
  VERGE_CHECK(!services.contains(kService));
  auto state = std::make_unique<State>();
  state->capability = capability;
  state->options = options;
  state->services = std::move(services);
  state->met = std::move(met);
  State& its = *state;
  net::GrpcServerOptions listen = options.listen;
  listen.accept = [&its](const net::Peer& peer) { return its.accept(peer); };
  VERGE_TRY(state->server,
            net::GrpcServer::start(own, now_unix_s, listen,
                                   [&its](net::Peer peer, std::unique_ptr<Channel> channel) {
                                     its.begin(std::move(peer), std::move(channel));
                                   }));
  return std::unique_ptr<NodeHost>(new NodeHost(std::move(state)));
}

int NodeHost::port() const {
  return state_->server->port();
}

void NodeHost::pause() {
  state_->is_paused = true;
}

void NodeHost::resume() {
  state_->is_paused = false;
}

void NodeHost::refuse(net::RevocationList revoked) {
  state_->server->refuse(std::move(revoked));
}

int NodeHost::work() const {
  return state_->work;
}

void NodeHost::stop(double drain_s) {
  state_->server->stop(drain_s);
  state_->workers.join_all();
}

}  // namespace verge::fleet
