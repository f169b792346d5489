#include <cmath>

#include <verge/platform/fleet/fleet.pb.h>
#include <verge/platform/fleet/node_counters.hpp>

namespace verge::fleet {
namespace {

constexpr uint32_t kCounters = 1;
constexpr double kLeaveS = 10;  // for who asked to close the channel

Error no_counters() {
  return make_error(Code::Malformed,
                    "a node says something else than its counters; check that its verge is of this "
                    "fleet");
}

}  // namespace

Service counters_service(std::function<NodeCounters()> read) {
  return [read = std::move(read)](const net::CertificateFacts&, std::unique_ptr<Channel> channel) {
    wire::Counters wire;
    for (const auto& [name, value] : read()) (*wire.mutable_values())[name] = value;
    if (!channel->send({.kind = kCounters, .body = wire.SerializeAsString()})) return;
    (void)channel->receive(kLeaveS);
  };
}

Result<NodeCounters> receive_counters(Channel& channel, double timeout_s) {
  VERGE_TRY(const std::optional<Message> message, channel.receive(timeout_s));
  if (!message) {
    return make_error(Code::Cancelled, "no counters in {} s; see `verge node doctor`", timeout_s);
  }
  wire::Counters wire;
  if (message->kind != kCounters || !wire.ParseFromString(message->body)) return no_counters();
  NodeCounters counters;
  for (const auto& [name, value] : wire.values()) {
    if (!std::isfinite(value)) return no_counters();
    counters.emplace(name, value);
  }
  return counters;
}

}  // namespace verge::fleet
