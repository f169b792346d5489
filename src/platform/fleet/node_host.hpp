#pragma once
// NodeHost: a node that others can reach. It lets in who has a certificate of the fleet, gives each
// channel a thread of the service that was asked for, and answers greetings and probes itself
// (meeting.hpp).
//
//   VERGE_TRY(auto host, NodeHost::start(own, capability, now_unix_s, {.listen = {.port = 7443}},
//       {{"collab", [&](const net::CertificateFacts& peer, std::unique_ptr<Channel> channel) { ...
//       }}}, met));
//   ... host->pause(); while (host->work() > 0) ...; host->stop(5);

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <verge/platform/fleet/capability.hpp>
#include <verge/platform/net/grpc/grpc_server.hpp>

namespace verge::fleet {

/// Runs in a thread of its own until it returns, as it must when the channel fails.
using Service =
    std::function<void(const net::CertificateFacts& peer, std::unique_ptr<Channel> channel)>;
using Services = std::map<std::string, Service, std::less<>>;

struct NodeHostOptions {
  net::GrpcServerOptions listen = {};
  double silence_s = 60;  // a peer that greets and then says nothing is asked again after so long
};

/// Any thread.
class NodeHost {
 public:
  /// Told of each peer that greeted; any thread, one at a time.
  using Met = std::function<void(const net::CertificateFacts& peer, const Capability& capability)>;

  /// Fails as GrpcServer::start does. A name of `services` must not be "fleet".
  static Result<std::unique_ptr<NodeHost>> start(const net::Credentials& own,
                                                 const Capability& capability, int64_t now_unix_s,
                                                 const NodeHostOptions& options, Services services,
                                                 Met met);
  /// stop(0).
  ~NodeHost();

  int port() const;
  /// From now on work is refused with Busy; what runs goes on. Greetings say so. The services
  /// "authority" and "counters" are no work.
  void pause();
  void resume();
  /// As GrpcServer::refuse.
  void refuse(net::RevocationList revoked);
  /// Channels that are open of services that are work.
  int work() const;
  /// Lets nobody in, gives channels `drain_s` to end, then ends them. Returns when no thread is
  /// left.
  void stop(double drain_s);

 private:
  struct State;
  explicit NodeHost(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace verge::fleet
