#pragma once
// What two ends of a resumable channel say over a link: envelopes, as messages of that link.

#include <array>
#include <cstdint>
#include <string>

#include <verge/core/channel.hpp>
#include <verge/platform/net/grpc/wire.pb.h>

namespace verge::net {

/// The last sequence number of each lane (Channel::Lane) that came without a gap.
using Marks = std::array<uint64_t, 2>;

constexpr uint32_t kEnvelopeKind = 0x76726573;
constexpr size_t kSessionBytes = 16;

struct Delivery {
  wire::Envelope envelope;
  std::vector<PackedTensor> tensors;
};

Message resume_message(const Marks& received, const std::string& session, bool is_new);
Message acknowledgement(const Marks& received);
Message refusal_message(const std::string& why);
/// `message` as number `sequence` of its lane; is_close: no message but the end.
Message parcel_of(const Marks& received, Channel::Lane lane, uint64_t sequence,
                  const Message& message, bool is_close);

/// Malformed for what is none of these.
Result<Delivery> open_envelope(Message message);
Marks marks_of(const wire::Envelope& envelope);

}  // namespace verge::net
