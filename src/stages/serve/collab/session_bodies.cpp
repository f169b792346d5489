#include <cmath>

#include <verge/stages/serve/collab/message_bodies.hpp>

namespace verge::serve {
namespace {

constexpr size_t kMostTextBytes = 4096;
constexpr int64_t kMostLayers = 4096;
constexpr int64_t kMostWidth = int64_t{1} << 20;

Code code_of(std::string_view text) {
  for (int code = 0; code < static_cast<int>(Code::Internal); ++code) {
    if (name(static_cast<Code>(code)) == text) return static_cast<Code>(code);
  }
  return Code::Internal;
}

}  // namespace

Message pack_message(const HelloMessage& hello) {
  wire::Hello body;
  body.set_version(hello.split.version);
  body.set_model_hash(hello.split.model_hash);
  body.set_tokenizer_hash(hello.split.tokenizer_hash);
  body.set_exit1(hello.split.exit1);
  body.set_exit2(hello.split.exit2);
  body.set_layers(hello.split.layers);
  body.set_width(hello.split.width);
  for (const std::string& codec : hello.codecs) body.add_codecs(codec);
  body.set_session(hello.session);
  body.set_wants_tokens(hello.wants_tokens);
  return pack_body(CollabKind::Hello, body);
}

// Of another version only the number is read: what else it says may mean something else.
Result<HelloMessage> read_body(const wire::Hello& body, const Message&, const CollabLimits&) {
  if (body.version() != kCollabVersion) return HelloMessage{.split = {.version = body.version()}};
  FieldReader reader("hello");
  HelloMessage hello;
  hello.split.model_hash = reader.word("model_hash", body.model_hash());
  hello.split.tokenizer_hash = reader.word("tokenizer_hash", body.tokenizer_hash());
  hello.split.layers = reader.integer("layers", body.layers(), 1, kMostLayers);
  hello.split.exit1 = reader.integer("exit1", body.exit1(), 1, kMostLayers);
  hello.split.exit2 = reader.integer("exit2", body.exit2(), 1, kMostLayers);
  hello.split.width = reader.integer("width", body.width(), 1, kMostWidth);
  hello.codecs = reader.words("codecs", body.codecs());
  hello.session = reader.word("session", body.session());
  hello.wants_tokens = body.wants_tokens();
  return checked(reader, std::move(hello));
}

Message pack_message(const AcceptMessage& accept) {
  wire::Accept body;
  body.set_session(accept.session);
  body.set_lease_s(accept.lease_s);
  body.set_budget_bytes(accept.budget_bytes);
  body.set_held(accept.held);
  for (const std::string& codec : accept.codecs) body.add_codecs(codec);
  return pack_body(CollabKind::Accept, body);
}

Result<AcceptMessage> read_body(const wire::Accept& body, const Message&,
                                const CollabLimits& limits) {
  FieldReader reader("accept");
  AcceptMessage accept;
  accept.session = reader.word("session", body.session());
  accept.lease_s = body.lease_s();
  if (!(std::isfinite(accept.lease_s) && accept.lease_s >= 0)) {
    reader.refuse("lease_s", fmt::format("{}", accept.lease_s), "a number from 0 on");
  }
  accept.budget_bytes = reader.integer("budget_bytes", body.budget_bytes(), 0, INT64_MAX);
  accept.held = reader.integer("held", body.held(), 0, limits.context);
  accept.codecs = reader.words("codecs", body.codecs());
  return checked(reader, std::move(accept));
}

Message pack_message(const CloseMessage&) {
  return pack_body(CollabKind::Close, wire::Close());
}

Result<CloseMessage> read_body(const wire::Close&, const Message&, const CollabLimits&) {
  return CloseMessage();
}

Message pack_message(const FailureMessage& failure) {
  wire::Failure body;
  body.set_code(std::string(name(failure.error.code)));
  body.set_text(failure.error.message.substr(0, kMostTextBytes));
  return pack_body(CollabKind::Failure, body);
}

Result<FailureMessage> read_body(const wire::Failure& body, const Message&, const CollabLimits&) {
  FieldReader reader("failure");
  reader.integer("text", static_cast<int64_t>(body.text().size()), 0, kMostTextBytes);
  return checked(reader, FailureMessage{{code_of(body.code()), body.text()}});
}

}  // namespace verge::serve
