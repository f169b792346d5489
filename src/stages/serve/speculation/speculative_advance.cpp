#include <verge/stages/serve/speculation/speculative_advance.hpp>

namespace verge::serve {

Result<Piece> SpeculativeAdvance::step(runtime::Session& session, Answer& answer,
                                       const std::atomic<bool>* cancel) {
  if (answer.tokens().size() == 1) state_.reset();  // its first step
  VERGE_TRY(std::span<const int32_t> tokens, state_.propose(session.sequence(), answer, cancel));
  const auto keep = [&](int64_t, std::span<const float> logits) { rows_.push_back(logits); };
  rows_.clear();
  double begin = clock_.seconds();
  Status status = session.append(tokens, keep, cancel);
  if (!status && status.error().code == Code::OutOfMemory && tokens.size() > 1) {
    tokens = state_.drop_draft();
    rows_.clear();
    begin = clock_.seconds();
    status = session.append(tokens, keep, cancel);
  }
  VERGE_RETURN_IF_ERROR(status);
  const double step_s = clock_.seconds() - begin;
  Result<Verified> verified = state_.verify(answer, rows_, step_s);
  if (!verified) return verified.error();
  session.truncate(verified->length);
  return std::move(verified->piece);
}

}  // namespace verge::serve
