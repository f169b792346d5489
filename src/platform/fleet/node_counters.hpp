#pragma once
// What a running node has counted, for who asks on the channel "counters": the node says it once to
// each that opens one.
//
//   services.emplace(kCountersService, counters_service([&] { return NodeCounters{{"steps", 7}};
//   })); VERGE_TRY(auto channel, net::dial(address, own, now_unix_s, {.service =
//   kCountersService})); VERGE_TRY(const NodeCounters counters, receive_counters(*channel, 10));

#include <functional>
#include <map>
#include <string>

#include <verge/core/channel.hpp>
#include <verge/platform/fleet/node_host.hpp>

namespace verge::fleet {

/// The name of the channel's service.
inline constexpr const char* kCountersService = "counters";

/// By name, as "collab.layer_tokens".
using NodeCounters = std::map<std::string, double>;

/// `read`: any thread, as often as somebody asks.
Service counters_service(std::function<NodeCounters()> read);

/// The asking end. Fails as the channel does, Cancelled where nothing comes in time, Malformed for
/// what are no counters.
Result<NodeCounters> receive_counters(Channel& channel, double timeout_s);

}  // namespace verge::fleet
