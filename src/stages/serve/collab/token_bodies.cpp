#include <cmath>

#include <verge/core/checksum.hpp>
#include <verge/stages/serve/collab/message_bodies.hpp>

namespace verge::serve {
namespace {

constexpr size_t kMostShownBytes = 128;

// Of a tensor that compression does not make smaller, it leaves no trace.
bool is_agreed_codec(const CollabLimits& limits, const std::string& codec) {
  return std::ranges::count(limits.codecs, codec) +
             std::ranges::count(limits.codecs, codec + "+zstd") >
         0;
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

}  // namespace

Message pack_message(const StatesMessage& states) {
  wire::States body;
  body.set_position(states.position);
  body.set_checksum(checksum(states.states.data));
  body.set_prompt_end(states.prompt_end);
  set_branch(body, states.branch);
  Message message = pack_body(CollabKind::States, body);
  message.tensors.push_back(states.states);
  return message;
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
    reader.refuse("codec", states.codec.substr(0, kMostShownBytes), "one of those agreed");
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
  const TextBranch branch = reader.branch(body, limits.context);
  return checked(reader, StatesMessage{position, states, body.prompt_end(), branch});
}

Message pack_message(const FinishMessage& finish) {
  wire::Finish body;
  body.set_position(finish.position);
  body.set_deadline_us(to_us(finish.deadline_s));
  *body.mutable_sampling() = pack_sampling(finish.sampling);
  body.set_want_logprob(finish.want_logprob);
  set_branch(body, finish.branch);
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
  finish.branch = reader.branch(body, limits.context);
  return checked(reader, std::move(finish));
}

Message pack_message(const TokenMessage& token) {
  wire::Token body;
  body.set_position(token.position);
  body.set_id(token.id);
  if (token.logprob) body.set_logprob(*token.logprob);
  body.set_server_us(to_us(token.server_s));
  body.set_queue_us(to_us(token.queue_s));
  body.set_branch(token.branch);
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
  token.branch = reader.branch_number(body.branch());
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

Message pack_message(const BusyMessage& busy) {
  wire::Busy body;
  body.set_position(busy.position);
  body.set_retry_after_us(to_us(busy.retry_after_s));
  body.set_branch(busy.branch);
  return pack_body(CollabKind::Busy, body);
}

Result<BusyMessage> read_body(const wire::Busy& body, const Message&, const CollabLimits& limits) {
  FieldReader reader("busy");
  const int64_t position = reader.integer("position", body.position(), 0, limits.context - 1);
  const double retry_after_s = reader.seconds("retry_after_us", body.retry_after_us());
  const int64_t branch = reader.branch_number(body.branch());
  return checked(reader, BusyMessage{position, retry_after_s, branch});
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

Message pack_message(const TokensMessage& tokens) {
  wire::Tokens body;
  body.set_position(tokens.position);
  body.mutable_ids()->Add(tokens.ids.begin(), tokens.ids.end());
  set_branch(body, tokens.branch);
  return pack_body(CollabKind::Tokens, body);
}

Result<TokensMessage> read_body(const wire::Tokens& body, const Message&,
                                const CollabLimits& limits) {
  FieldReader reader("tokens");
  TokensMessage tokens;
  tokens.position = reader.integer("position", body.position(), 0, limits.context);
  reader.integer("ids", body.ids_size(), 0, limits.context - tokens.position);
  for (const int32_t id : body.ids()) reader.integer("an id", id, 0, limits.vocab - 1);
  tokens.ids.assign(body.ids().begin(), body.ids().end());
  tokens.branch = reader.branch(body, limits.context);
  return checked(reader, std::move(tokens));
}

}  // namespace verge::serve
