#include <cmath>

#include <verge/core/checksum.hpp>
#include <verge/stages/serve/collab/collab.pb.h>
#include <verge/stages/serve/collab/protocol.hpp>

namespace verge::serve {
namespace {

constexpr size_t kMostNameBytes = 128;
constexpr size_t kMostTextBytes = 4096;
constexpr int kMostCodecs = 32;
constexpr int64_t kMostLayers = 4096;
constexpr int64_t kMostWidth = int64_t{1} << 20;
constexpr int64_t kMostMicroseconds = int64_t{1} << 46;

int64_t to_us(double seconds) {
  return std::llround(std::clamp(seconds * 1e6, 0.0, static_cast<double>(kMostMicroseconds)));
}

double from_us(int64_t us) {
  return static_cast<double>(us) * 1e-6;
}

// Reads the fields of one message; what is wrong is named by the first of them.
class FieldReader {
 public:
  explicit FieldReader(std::string_view message) : message_(message) {}

  void refuse(std::string_view field, std::string_view found, std::string_view legal) {
    if (!status_) return;
    status_ =
        make_error(Code::Malformed, "{}: {} is {}; it must be {}", message_, field, found, legal);
  }
  int64_t integer(std::string_view field, int64_t value, int64_t least, int64_t most) {
    if (value < least || value > most) {
      refuse(field, std::to_string(value), fmt::format("{} to {}", least, most));
    }
    return value;
  }
  double seconds(std::string_view field, int64_t us) {
    return from_us(integer(field, us, 0, kMostMicroseconds));
  }
  std::string word(std::string_view field, const std::string& text) {
    if (text.empty() || text.size() > kMostNameBytes) {
      refuse(field, fmt::format("{} bytes", text.size()), fmt::format("1 to {}", kMostNameBytes));
    }
    return text;
  }
  std::vector<std::string> words(std::string_view field, const auto& all) {
    integer(field, all.size(), 1, kMostCodecs);
    std::vector<std::string> read;
    for (int i = 0; i < std::min(all.size(), kMostCodecs); ++i) read.push_back(word(field, all[i]));
    return read;
  }
  text::SamplerOptions sampling(const wire::Sampling& body, int64_t vocab) {
    text::SamplerOptions sampling;
    sampling.temperature = body.temperature();
    sampling.top_k = body.top_k();
    sampling.typical_p = body.typical_p();
    sampling.top_p = body.top_p();
    sampling.min_p = body.min_p();
    sampling.seed = body.seed();
    const Status legal = text::validate(sampling, static_cast<int32_t>(vocab));
    if (!legal && status_) {
      status_ = make_error(Code::Malformed, "{}: {}", message_, legal.error().message);
    }
    return sampling;
  }
  const Status& status() const { return status_; }

 private:
  std::string_view message_;
  Status status_;
};

template <typename Body>
Message pack_body(CollabKind kind, const Body& body) {
  return {.kind = static_cast<uint32_t>(kind), .body = body.SerializeAsString(), .tensors = {}};
}

template <typename Read>
Result<Read> checked(const FieldReader& reader, Read read) {
  if (!reader.status()) return reader.status().error();
  return read;
}

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

Message pack_message(const StatesMessage& states) {
  wire::States body;
  body.set_position(states.position);
  body.set_checksum(checksum(states.states.data));
  body.set_prompt_end(states.prompt_end);
  Message message = pack_body(CollabKind::States, body);
  message.tensors.push_back(states.states);
  return message;
}

// Of a tensor that compression does not make smaller, it leaves no trace.
bool is_agreed_codec(const CollabLimits& limits, const std::string& codec) {
  return std::ranges::count(limits.codecs, codec) +
             std::ranges::count(limits.codecs, codec + "+zstd") >
         0;
}

Result<StatesMessage> read_body(const wire::States& body, const Message& message,
                                const CollabLimits& limits) {
  FieldReader reader("states");
  const int64_t position = reader.integer("position", body.position(), 0, limits.context - 1);
  if (message.tensors.size() != 1) {
    reader.refuse("tensors", std::to_string(message.tensors.size()), "1");
    return reader.status().error();
  }
  const PackedTensor& states = message.tensors[0];
  if (!is_agreed_codec(limits, states.codec)) {
    reader.refuse("codec", states.codec.substr(0, kMostNameBytes), "one of those agreed");
  }
  const Shape& shape = states.shape;
  if (shape.rank() != 2 || shape[0] < 1 || shape[0] > limits.context - position ||
      shape[1] != limits.width) {
    reader.refuse("shape", shape.str(),
                  fmt::format("[1 to {}, {}]", limits.context - position, limits.width));
  }
  if (reader.status() && body.prompt_end() != 0) {
    reader.integer("prompt_end", body.prompt_end(), position + shape[0], limits.context);
  }
  if (checksum(states.data) != body.checksum()) {
    reader.refuse("checksum", fmt::format("{:016x}", body.checksum()),
                  fmt::format("{:016x}, that of the bytes that came", checksum(states.data)));
  }
  return checked(reader, StatesMessage{position, states, body.prompt_end()});
}

wire::Sampling pack_sampling(const text::SamplerOptions& options) {
  wire::Sampling sampling;
  sampling.set_temperature(options.temperature);
  sampling.set_top_k(options.top_k);
  sampling.set_typical_p(options.typical_p);
  sampling.set_top_p(options.top_p);
  sampling.set_min_p(options.min_p);
  sampling.set_seed(options.seed);
  return sampling;
}

Message pack_message(const FinishMessage& finish) {
  wire::Finish body;
  body.set_position(finish.position);
  body.set_deadline_us(to_us(finish.deadline_s));
  *body.mutable_sampling() = pack_sampling(finish.sampling);
  body.set_want_logprob(finish.want_logprob);
  return pack_body(CollabKind::Finish, body);
}

Result<FinishMessage> read_body(const wire::Finish& body, const Message&,
                                const CollabLimits& limits) {
  FieldReader reader("finish");
  FinishMessage finish;
  finish.position = reader.integer("position", body.position(), 0, limits.context - 1);
  finish.deadline_s = reader.seconds("deadline_us", body.deadline_us());
  finish.sampling = reader.sampling(body.sampling(), limits.vocab);
  finish.want_logprob = body.want_logprob();
  return checked(reader, std::move(finish));
}

Message pack_message(const TokenMessage& token) {
  wire::Token body;
  body.set_position(token.position);
  body.set_id(token.id);
  if (token.logprob) body.set_logprob(*token.logprob);
  body.set_server_us(to_us(token.server_s));
  body.set_queue_us(to_us(token.queue_s));
  return pack_body(CollabKind::Token, body);
}

Result<TokenMessage> read_body(const wire::Token& body, const Message&,
                               const CollabLimits& limits) {
  FieldReader reader("token");
  TokenMessage token;
  token.position = reader.integer("position", body.position(), 0, limits.context - 1);
  token.id = static_cast<int32_t>(reader.integer("id", body.id(), 0, limits.vocab - 1));
  token.server_s = reader.seconds("server_us", body.server_us());
  token.queue_s = reader.seconds("queue_us", body.queue_us());
  if (body.has_logprob()) token.logprob = body.logprob();
  if (token.logprob && !(*token.logprob <= 0 && std::isfinite(*token.logprob))) {
    reader.refuse("logprob", fmt::format("{}", *token.logprob), "at most 0");
  }
  return checked(reader, token);
}

Message pack_message(const NackMessage& nack) {
  wire::Nack body;
  body.set_from(nack.from);
  body.set_to(nack.to);
  return pack_body(CollabKind::Nack, body);
}

Result<NackMessage> read_body(const wire::Nack& body, const Message&, const CollabLimits& limits) {
  FieldReader reader("nack");
  const int64_t from = reader.integer("from", body.from(), 0, limits.context - 1);
  const int64_t to = reader.integer("to", body.to(), from + 1, limits.context);
  return checked(reader, NackMessage{from, to});
}

Message pack_message(const ResumeMessage& resume) {
  wire::Resume body;
  body.set_from(resume.from);
  return pack_body(CollabKind::Resume, body);
}

Result<ResumeMessage> read_body(const wire::Resume& body, const Message&,
                                const CollabLimits& limits) {
  FieldReader reader("resume");
  return checked(reader, ResumeMessage{reader.integer("from", body.from(), 0, limits.context)});
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

Code code_of(std::string_view text) {
  for (int code = 0; code < static_cast<int>(Code::Internal); ++code) {
    if (name(static_cast<Code>(code)) == text) return static_cast<Code>(code);
  }
  return Code::Internal;
}

Result<FailureMessage> read_body(const wire::Failure& body, const Message&, const CollabLimits&) {
  FieldReader reader("failure");
  reader.integer("text", static_cast<int64_t>(body.text().size()), 0, kMostTextBytes);
  return checked(reader, FailureMessage{{code_of(body.code()), body.text()}});
}

Message pack_message(const BusyMessage& busy) {
  wire::Busy body;
  body.set_position(busy.position);
  body.set_retry_after_us(to_us(busy.retry_after_s));
  return pack_body(CollabKind::Busy, body);
}

Result<BusyMessage> read_body(const wire::Busy& body, const Message&, const CollabLimits& limits) {
  FieldReader reader("busy");
  const int64_t position = reader.integer("position", body.position(), 0, limits.context - 1);
  const double retry_after_s = reader.seconds("retry_after_us", body.retry_after_us());
  return checked(reader, BusyMessage{position, retry_after_s});
}

Message pack_message(const PromptMessage& prompt) {
  wire::Prompt body;
  body.mutable_tokens()->Add(prompt.tokens.begin(), prompt.tokens.end());
  body.set_most_tokens(prompt.most_tokens);
  *body.mutable_sampling() = pack_sampling(prompt.sampling);
  return pack_body(CollabKind::Prompt, body);
}

Result<PromptMessage> read_body(const wire::Prompt& body, const Message&,
                                const CollabLimits& limits) {
  FieldReader reader("prompt");
  PromptMessage prompt;
  const int64_t count = reader.integer("tokens", body.tokens_size(), 1, limits.context - 1);
  for (const int32_t token : body.tokens()) reader.integer("a token", token, 0, limits.vocab - 1);
  prompt.tokens.assign(body.tokens().begin(), body.tokens().end());
  const int64_t room = std::max<int64_t>(1, limits.context - count);
  prompt.most_tokens = reader.integer("most_tokens", body.most_tokens(), 1, room);
  prompt.sampling = reader.sampling(body.sampling(), limits.vocab);
  return checked(reader, std::move(prompt));
}

template <typename Body>
Result<std::optional<CollabMessage>> read_as(const Message& message, const CollabLimits& limits) {
  Body body;
  if (!body.ParseFromString(message.body)) {
    return make_error(Code::Malformed, "a message of kind {}: its {} bytes are no {}", message.kind,
                      message.body.size(), body.GetTypeName());
  }
  VERGE_TRY(CollabMessage read, read_body(body, message, limits));
  return std::optional<CollabMessage>(std::move(read));
}

}  // namespace

Message to_message(const CollabMessage& message) {
  return std::visit([](const auto& typed) { return pack_message(typed); }, message);
}

Result<std::optional<CollabMessage>> read_message(const Message& message,
                                                  const CollabLimits& limits) {
  switch (static_cast<CollabKind>(message.kind)) {
    case CollabKind::Hello:
      return read_as<wire::Hello>(message, limits);
    case CollabKind::Accept:
      return read_as<wire::Accept>(message, limits);
    case CollabKind::States:
      return read_as<wire::States>(message, limits);
    case CollabKind::Finish:
      return read_as<wire::Finish>(message, limits);
    case CollabKind::Token:
      return read_as<wire::Token>(message, limits);
    case CollabKind::Nack:
      return read_as<wire::Nack>(message, limits);
    case CollabKind::Resume:
      return read_as<wire::Resume>(message, limits);
    case CollabKind::Close:
      return read_as<wire::Close>(message, limits);
    case CollabKind::Failure:
      return read_as<wire::Failure>(message, limits);
    case CollabKind::Busy:
      return read_as<wire::Busy>(message, limits);
    case CollabKind::Prompt:
      return read_as<wire::Prompt>(message, limits);
  }
  return std::optional<CollabMessage>();
}

Status check_same_split(const SplitIdentity& device, const SplitIdentity& server) {
  const auto differ = [](std::string_view what, const auto& ours, const auto& theirs) -> Status {
    return make_error(Code::Conflict,
                      "the device's {} is {}, the server's {}; give both the halves of one split",
                      what, ours, theirs);
  };
  if (device.version != server.version) {
    return make_error(Code::Conflict,
                      "the device speaks version {} of the protocol, the server {}; update the "
                      "older of them",
                      device.version, server.version);
  }
  if (device.model_hash != server.model_hash) {
    return differ("model", device.model_hash, server.model_hash);
  }
  if (device.tokenizer_hash != server.tokenizer_hash) {
    return differ("tokenizer", device.tokenizer_hash, server.tokenizer_hash);
  }
  if (device.exit1 != server.exit1) return differ("first exit", device.exit1, server.exit1);
  if (device.exit2 != server.exit2) return differ("second exit", device.exit2, server.exit2);
  if (device.layers != server.layers) {
    return differ("number of layers", device.layers, server.layers);
  }
  if (device.width != server.width) return differ("width", device.width, server.width);
  return {};
}

Result<std::vector<std::string>> common_codecs(std::span<const std::string> offered,
                                               std::span<const std::string> known) {
  std::vector<std::string> common;
  for (const std::string& codec : offered) {
    if (std::ranges::count(known, codec) > 0) common.push_back(codec);
  }
  if (!common.empty()) return common;
  return make_error(Code::Unsupported, "the device offers the codecs {}, the server reads {}",
                    fmt::join(offered, ", "), fmt::join(known, ", "));
}

}  // namespace verge::serve
