#include <verge/stages/serve/speculation/draft.hpp>

namespace verge::serve {

DraftSampler::DraftSampler(const Answer& answer, DraftDraws draws, Rng& rng)
    : answer_(answer), draws_(draws), rng_(rng) {}

Result<int32_t> DraftSampler::draw(Draft& draft, std::span<const float> logits) {
  if (draws_ == DraftDraws::Shared) return sampler_->sample(logits, constraint_.get());
  VERGE_TRY(text::Distribution distribution, sampler_->distribution(logits, constraint_.get()));
  const int32_t token = text::draw(distribution, rng_);
  draft.drawn_from.push_back(std::move(distribution));
  return token;
}

bool DraftSampler::extend(Draft& draft, std::span<const float> logits) {
  if (!sampler_) {
    sampler_ = answer_.sampler();
    if (answer_.constraint() != nullptr) constraint_ = answer_.constraint()->clone();
  }
  const Result<int32_t> token = draw(draft, logits);
  if (!token) return false;  // the answer's own draw says why
  draft.tokens.push_back(*token);
  sampler_->accept(*token);
  if (constraint_) constraint_->accept(*token);
  return !answer_.ends_with(*token) && !(constraint_ && constraint_->is_finished());
}

}  // namespace verge::serve
