#include <verge/cli/node_joining.hpp>
#include <verge/cli/unix_time.hpp>
#include <verge/platform/fleet/authority_service.hpp>

namespace verge::cli {
namespace {

constexpr double kMemberAnswerS = 10;

}  // namespace

Result<std::unique_ptr<NodeJoining>> NodeJoining::load(const NodeHome& home) {
  if (!home.has_authority()) return std::unique_ptr<NodeJoining>();
  VERGE_TRY(net::Authority authority, home.authority());
  VERGE_TRY(net::TokenBook tokens, home.tokens());
  return std::unique_ptr<NodeJoining>(new NodeJoining(std::move(authority), std::move(tokens)));
}

void NodeJoining::add_services(fleet::Services& services) {
  services.emplace(fleet::kAuthorityService, [this](const net::CertificateFacts& peer,
                                                    std::unique_ptr<Channel> channel) {
    // What a node did wrong it was told.
    (void)fleet::answer_node(*channel, peer, authority_, tokens_, unix_time_s(), kMemberAnswerS);
  });
}

Status NodeJoining::listen(const net::Credentials& own, const std::string& host, int port,
                           int node_port) {
  VERGE_TRY(service_,
            net::JoinService::start(own, authority_, tokens_, calendar_,
                                    {.host = host, .port = port, .node_port = node_port}));
  return {};
}

}  // namespace verge::cli
