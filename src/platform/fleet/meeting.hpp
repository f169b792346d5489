#pragma once
// How two nodes meet on the channel "fleet": each greets the other, they agree on a protocol, and
// the one that was dialled answers probes from then on. Whose certificate the channel was opened
// with is who a node is: a greeting in another name is refused.

#include <functional>

#include <verge/platform/fleet/node_protocol.hpp>

namespace verge::fleet {

/// The dialling end. Fails as the channel does, Cancelled where no greeting comes in time, Denied
/// for another name than the certificate's or with the peer's reason, Unsupported without a common
/// protocol.
Result<Hello> greet(Channel& channel, const Hello& own, std::string_view certified,
                    double timeout_s);

/// The end that was dialled: tells `met` who it is and answers probes until the peer closes, which
/// is no failure. `own` says how this node is when it is greeted. A peer that greets wrongly hears
/// why. Fails as greet() does.
Status answer_peer(Channel& channel, const std::function<Hello()>& own, std::string_view certified,
                   const std::function<void(const Hello&)>& met, double timeout_s);

}  // namespace verge::fleet
