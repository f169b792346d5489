#include <utility>

#include <verge/platform/net/grpc/resume_protocol.hpp>

namespace verge::net {
namespace {

wire::Envelope envelope_with(const Marks& received) {
  wire::Envelope envelope;
  envelope.set_received_normal(received[0]);
  envelope.set_received_urgent(received[1]);
  return envelope;
}

Message sealed(const wire::Envelope& envelope) {
  return {.kind = kEnvelopeKind, .body = envelope.SerializeAsString(), .tensors = {}};
}

}  // namespace

Message resume_message(const Marks& received, const std::string& session, bool is_new) {
  wire::Envelope envelope = envelope_with(received);
  envelope.mutable_resume()->set_session(session);
  envelope.mutable_resume()->set_is_new(is_new);
  return sealed(envelope);
}

Message acknowledgement(const Marks& received) {
  return sealed(envelope_with(received));
}

Message refusal_message(const std::string& why) {
  wire::Envelope envelope;
  envelope.set_refusal(why);
  return sealed(envelope);
}

Message parcel_of(const Marks& received, Channel::Lane lane, uint64_t sequence,
                  const Message& message, bool is_close) {
  wire::Envelope envelope = envelope_with(received);
  wire::Parcel& parcel = *envelope.mutable_parcel();
  parcel.set_is_urgent(lane == Channel::Lane::Urgent);
  parcel.set_sequence(sequence);
  parcel.set_kind(message.kind);
  parcel.set_body(message.body);
  parcel.set_is_close(is_close);
  Message whole = sealed(envelope);
  whole.tensors = message.tensors;
  return whole;
}

Result<Delivery> open_envelope(Message message) {
  Delivery delivery;
  if (message.kind != kEnvelopeKind || !delivery.envelope.ParseFromString(message.body)) {
    return make_error(Code::Malformed,
                      "the other end of a resumable channel sent something else; both ends must "
                      "make their channels resumable");
  }
  if (delivery.envelope.has_resume() &&
      delivery.envelope.resume().session().size() != kSessionBytes) {
    return make_error(Code::Malformed, "a session is named by {} bytes in place of {}",
                      delivery.envelope.resume().session().size(), kSessionBytes);
  }
  delivery.tensors = std::move(message.tensors);
  return delivery;
}

Marks marks_of(const wire::Envelope& envelope) {
  return {envelope.received_normal(), envelope.received_urgent()};
}

}  // namespace verge::net
