#pragma once
// What two nodes say on the channel "fleet": a Hello each way, then probes of the link. Every field
// from a peer is checked here.
//
//   VERGE_RETURN_IF_ERROR(channel.send(to_message(Hello{.capability = own})));
//   VERGE_TRY(const Hello peer, hello_from(message));
//   VERGE_TRY(const uint32_t protocol, agree(own, peer));

#include <cstdint>
#include <string>

#include <verge/core/channel.hpp>
#include <verge/platform/fleet/capability.hpp>

namespace verge::fleet {

/// The name of the channel's service.
inline constexpr std::string_view kService = "fleet";

enum MessageKind : uint32_t {
  kHello = 1,
  kProbe = 2,
  kProbeAnswer = 3,
  kRefusal = 4,
  kAuthorityRequest = 5,
  kAuthorityReply = 6
};

/// Protocols that this build speaks.
inline constexpr uint32_t kOldestProtocol = 1;
inline constexpr uint32_t kNewestProtocol = 1;

/// The most that a probe carries in either direction.
inline constexpr int64_t kMostProbeBytes = 1 << 20;

struct Hello {
  uint32_t oldest_protocol = kOldestProtocol;
  uint32_t newest_protocol = kNewestProtocol;
  Capability capability = {};
  bool paused = false;  // takes no new work
};

/// A packet whose answer says how long the way is, and with a load how wide.
struct Probe {
  uint64_t id = 0;
  std::string load = {};
  int64_t answer_bytes = 0;
};

struct ProbeAnswer {
  uint64_t id = 0;
  std::string load = {};
};

Message to_message(const Hello& hello);
Message to_message(const Probe& probe);
Message to_message(const ProbeAnswer& answer);
/// The last word of an end that will not go on, and why.
Message refusal(std::string_view reason);

/// Malformed for another kind, a body that cannot be read, and values that no node has: absurd
/// counts, rates that are no numbers. Denied with the peer's reason for a refusal.
Result<Hello> hello_from(const Message& message);
Result<Probe> probe_from(const Message& message);
Result<ProbeAnswer> probe_answer_from(const Message& message);

/// The newest protocol that both speak. Unsupported where there is none; the error names both
/// sides' versions and which one to update.
Result<uint32_t> agree(const Hello& own, const Hello& peer);

}  // namespace verge::fleet
