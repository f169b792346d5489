#include <verge/platform/fleet/link_probe.hpp>
#include <verge/platform/fleet/meeting.hpp>

namespace verge::fleet {
namespace {

Status check_name(const Hello& peer, std::string_view certified) {
  if (peer.capability.node == certified) return {};
  return make_error(Code::Denied,
                    "a node with the certificate of {} calls itself {}; join it again", certified,
                    peer.capability.node);
}

Result<Hello> receive_hello(Channel& channel, double timeout_s) {
  VERGE_TRY(const std::optional<Message> message, channel.receive(timeout_s));
  if (message) return hello_from(*message);
  return make_error(Code::Cancelled, "no greeting in {} s; see `verge node doctor`", timeout_s);
}

Result<Hello> receive_greeting(Channel& channel, const Hello& own, std::string_view certified,
                               double timeout_s) {
  VERGE_TRY(Hello peer, receive_hello(channel, timeout_s));
  VERGE_RETURN_IF_ERROR(check_name(peer, certified));
  VERGE_TRY([[maybe_unused]] const uint32_t protocol, agree(own, peer));
  return peer;
}

// Closing is how a peer leaves.
bool is_end(const Error& error) {
  return error.code == Code::Cancelled || error.code == Code::Io;
}

Status answer_probes(Channel& channel, double timeout_s) {
  for (;;) {
    const auto message = channel.receive(timeout_s);
    if (!message && is_end(message.error())) return {};
    if (!message) return message.error();
    if (!*message) continue;
    VERGE_TRY(const Probe probe, probe_from(**message));
    VERGE_RETURN_IF_ERROR(channel.send(to_message(answer(probe))));
  }
}

}  // namespace

Result<Hello> greet(Channel& channel, const Hello& own, std::string_view certified,
                    double timeout_s) {
  VERGE_RETURN_IF_ERROR(channel.send(to_message(own)));
  return receive_greeting(channel, own, certified, timeout_s);
}

Status answer_peer(Channel& channel, const std::function<Hello()>& own, std::string_view certified,
                   const std::function<void(const Hello&)>& met, double timeout_s) {
  const Hello self = own();
  const auto peer = receive_greeting(channel, self, certified, timeout_s);
  if (!peer) {
    // The reason is worth more to the peer than whether it still hears it.
    (void)channel.send(refusal(peer.error().message));
    return peer.error();
  }
  met(*peer);
  VERGE_RETURN_IF_ERROR(channel.send(to_message(self)));
  return answer_probes(channel, timeout_s);
}

}  // namespace verge::fleet
