#pragma once
// What the node that has its fleet's authority runs beside its own services: others join by it, and
// renew their certificates.

#include <memory>

#include <verge/cli/node_home.hpp>
#include <verge/core/clock.hpp>
#include <verge/platform/fleet/node_host.hpp>
#include <verge/platform/net/grpc/join_service.hpp>

namespace verge::cli {

class NodeJoining {
 public:
  /// Null for a node without an authority.
  static Result<std::unique_ptr<NodeJoining>> load(const NodeHome& home);

  /// For members. This must outlive them.
  void add_services(fleet::Services& services);
  /// For those who are none yet; `node_port`: where members find the node.
  Status listen(const net::Credentials& own, const std::string& host, int port, int node_port);
  int port() const { return service_->port(); }

 private:
  NodeJoining(net::Authority authority, net::TokenBook tokens)
      : authority_(std::move(authority)), tokens_(std::move(tokens)) {}

  net::Authority authority_;
  net::TokenBook tokens_;
  CalendarClock calendar_;
  std::unique_ptr<net::JoinService> service_;
};

}  // namespace verge::cli
