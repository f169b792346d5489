#include <verge/stages/serve/collab/cloud_text.hpp>
#include <verge/stages/serve/collab/position_sampler.hpp>

namespace verge::serve {

Status CloudText::ask(std::span<const int32_t> prompt, int64_t most_tokens,
                      const text::SamplerOptions& sampling) {
  VERGE_RETURN_IF_ERROR(check_position_sampling(sampling, INT32_MAX));
  if ((!is_over_ || is_broken_) && link_.connections() == connection_) {
    return make_error(Code::Conflict,
                      "the last answer on this connection has not ended; make a new one");
  }
  connection_ = link_.connections();
  VERGE_RETURN_IF_ERROR(
      link_.send(to_message(PromptMessage{{prompt.begin(), prompt.end()}, most_tokens, sampling})));
  position_ = static_cast<int64_t>(prompt.size()) - 1;
  is_over_ = is_broken_ = false;
  return {};
}

Result<std::optional<int32_t>> CloudText::next(double timeout_s) {
  if (is_over_) return std::optional<int32_t>();
  const std::optional<CollabMessage> message = link_.receive(timeout_s);
  is_over_ = is_broken_ = true;
  if (!message || link_.connections() != connection_) {
    return make_error(Code::Io, "the server's answer broke off after {} positions", position_ + 1);
  }
  is_broken_ = false;
  if (const auto* failure = std::get_if<FailureMessage>(&*message)) return failure->error;
  if (const auto* busy = std::get_if<BusyMessage>(&*message)) {
    return make_error(Code::Busy, "the server is full; ask again in {} s", busy->retry_after_s);
  }
  const auto* token = std::get_if<TokenMessage>(&*message);
  if (token == nullptr) return std::optional<int32_t>();
  if (token->position != position_) {
    return make_error(Code::Io, "the server's token is of position {}, {} was due", token->position,
                      position_);
  }
  is_over_ = false;
  server_s_ += token->server_s + token->queue_s;
  ++position_;
  return std::optional(token->id);
}

}  // namespace verge::serve
