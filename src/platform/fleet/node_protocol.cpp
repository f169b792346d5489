#include <cmath>

#include <verge/platform/fleet/fleet.pb.h>
#include <verge/platform/fleet/node_protocol.hpp>

namespace verge::fleet {
namespace {

constexpr size_t kMostNameBytes = 64;
constexpr uint32_t kMostCores = 1 << 16;
constexpr uint64_t kMostMemoryBytes = uint64_t{1} << 50;
constexpr double kMostRate = 1e9;

Error malformed(std::string_view what) {
  return make_error(Code::Malformed, "a node says {}; check that its verge is of this fleet", what);
}

// The body as a T, if the message is of this kind.
template <typename T>
Result<T> body_of(const Message& message, MessageKind kind, std::string_view name) {
  if (message.kind == kRefusal) {
    wire::Refusal refusal;
    if (!refusal.ParseFromString(message.body)) return malformed("no, without a reason");
    return Error{Code::Denied, refusal.reason().substr(0, 500)};
  }
  if (message.kind != kind) {
    return malformed(fmt::format("something of kind {} instead of its {}", message.kind, name));
  }
  T body;
  if (!body.ParseFromString(message.body)) {
    return malformed(fmt::format("a {} that cannot be read", name));
  }
  return body;
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kMostNameBytes;
}

bool is_rate(double value) {
  return std::isfinite(value) && value >= 0 && value < kMostRate;
}

Result<Capability> capability_from(const wire::Capability& wire) {
  const std::optional<Role> role = role_from_name(wire.role());
  if (!is_name(wire.node()) || !is_name(wire.software()) || wire.isa().size() > kMostNameBytes) {
    return malformed("a name of no or too many letters");
  }
  if (!role) return malformed(fmt::format("its role is {:.64}", wire.role()));
  if (wire.cores() > kMostCores || wire.memory_bytes() > kMostMemoryBytes) {
    return malformed(
        fmt::format("it has {} cores and {} bytes", wire.cores(), wire.memory_bytes()));
  }
  for (const double rate :
       {wire.read_gb_s(), wire.f32_gflops(), wire.bf16_gflops(), wire.int8_gops()}) {
    if (!is_rate(rate)) return malformed(fmt::format("it reaches a rate of {}", rate));
  }
  return Capability{.node = wire.node(),
                    .software = wire.software(),
                    .role = *role,
                    .cores = static_cast<int>(wire.cores()),
                    .isa = wire.isa(),
                    .memory_bytes = static_cast<int64_t>(wire.memory_bytes()),
                    .read_gb_s = wire.read_gb_s(),
                    .f32_gflops = wire.f32_gflops(),
                    .bf16_gflops = wire.bf16_gflops(),
                    .int8_gops = wire.int8_gops()};
}

void write(const Capability& capability, wire::Capability& wire) {
  wire.set_node(capability.node);
  wire.set_software(capability.software);
  wire.set_role(std::string(name(capability.role)));
  wire.set_cores(static_cast<uint32_t>(capability.cores));
  wire.set_isa(capability.isa);
  wire.set_memory_bytes(static_cast<uint64_t>(capability.memory_bytes));
  wire.set_read_gb_s(capability.read_gb_s);
  wire.set_f32_gflops(capability.f32_gflops);
  wire.set_bf16_gflops(capability.bf16_gflops);
  wire.set_int8_gops(capability.int8_gops);
}

Message message_of(MessageKind kind, const google::protobuf::MessageLite& body) {
  return {.kind = kind, .body = body.SerializeAsString()};
}

}  // namespace

Message to_message(const Hello& hello) {
  wire::Hello wire;
  wire.set_oldest_protocol(hello.oldest_protocol);
  wire.set_newest_protocol(hello.newest_protocol);
  write(hello.capability, *wire.mutable_capability());
  wire.set_paused(hello.paused);
  return message_of(kHello, wire);
}

Message to_message(const Probe& probe) {
  wire::Probe wire;
  wire.set_id(probe.id);
  wire.set_load(probe.load);
  wire.set_answer_bytes(static_cast<uint32_t>(probe.answer_bytes));
  return message_of(kProbe, wire);
}

Message to_message(const ProbeAnswer& answer) {
  wire::ProbeAnswer wire;
  wire.set_id(answer.id);
  wire.set_load(answer.load);
  return message_of(kProbeAnswer, wire);
}

Message refusal(std::string_view reason) {
  wire::Refusal wire;
  wire.set_reason(std::string(reason));
  return message_of(kRefusal, wire);
}

Result<Hello> hello_from(const Message& message) {
  VERGE_TRY(const auto wire, body_of<wire::Hello>(message, kHello, "greeting"));
  if (wire.oldest_protocol() == 0 || wire.oldest_protocol() > wire.newest_protocol()) {
    return malformed(fmt::format("it speaks protocols {} to {}", wire.oldest_protocol(),
                                 wire.newest_protocol()));
  }
  VERGE_TRY(Capability capability, capability_from(wire.capability()));
  return Hello{.oldest_protocol = wire.oldest_protocol(),
               .newest_protocol = wire.newest_protocol(),
               .capability = std::move(capability),
               .paused = wire.paused()};
}

Result<Probe> probe_from(const Message& message) {
  VERGE_TRY(const auto wire, body_of<wire::Probe>(message, kProbe, "probe"));
  if (static_cast<int64_t>(wire.load().size()) > kMostProbeBytes ||
      wire.answer_bytes() > kMostProbeBytes) {
    return malformed("a probe of more than 1 MiB");
  }
  return Probe{.id = wire.id(), .load = wire.load(), .answer_bytes = wire.answer_bytes()};
}

Result<ProbeAnswer> probe_answer_from(const Message& message) {
  VERGE_TRY(const auto wire,
            body_of<wire::ProbeAnswer>(message, kProbeAnswer, "answer to a probe"));
  if (static_cast<int64_t>(wire.load().size()) > kMostProbeBytes) {
    return malformed("an answer of more than 1 MiB to a probe");
  }
  return ProbeAnswer{.id = wire.id(), .load = wire.load()};
}

Result<uint32_t> agree(const Hello& own, const Hello& peer) {
  const uint32_t newest = std::min(own.newest_protocol, peer.newest_protocol);
  if (newest >= std::max(own.oldest_protocol, peer.oldest_protocol)) return newest;
  const Hello& older = own.newest_protocol < peer.newest_protocol ? own : peer;
  return make_error(Code::Unsupported,
                    "{} (verge {}) speaks protocols {} to {}, {} (verge {}) {} to {}; update verge "
                    "on {}",
                    own.capability.node, own.capability.software, own.oldest_protocol,
                    own.newest_protocol, peer.capability.node, peer.capability.software,
                    peer.oldest_protocol, peer.newest_protocol, older.capability.node);
}

}  // namespace verge::fleet
