#pragma once
// Draft: guessed tokens; DraftSampler: draws them from a proposer's logits the way the answer would
// draw from the model's, with its penalties, its constraint and its temperature.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <verge/engine/text/sampler.hpp>
#include <verge/stages/serve/generate/answer.hpp>

namespace verge::serve {

struct Draft {
  std::vector<int32_t> tokens;
  /// What each token was drawn from. Empty: a token is kept exactly if the answer, which draws as
  /// without drafts, draws the same; that is the rule of draw_given for a certain guess.
  std::vector<text::Distribution> drawn_from;
};

enum class DraftDraws {
  /// By the random numbers that the answer will use: where the two distributions are alike, so are
  /// the draws. The answer is token for token that without drafts.
  Shared,
  /// By random numbers of their own, kept or replaced by draw_given. Keeps more where temperatures
  /// are high; the answer has the same distribution, but other tokens for the same seed.
  Own,
};

/// The draws of one draft; must not outlive the answer's next draw.
class DraftSampler {
 public:
  /// Begins where the answer stands. `rng` is for DraftDraws::Own and outlives it.
  DraftSampler(const Answer& answer, DraftDraws draws, Rng& rng);

  /// Draws a token after these logits [vocab] and adds it. False when the draft ends here: an
  /// answer would end, or nothing may be drawn.
  bool extend(Draft& draft, std::span<const float> logits);
  /// Whether an answer ends with this token.
  bool ends_with(int32_t token) const { return answer_.ends_with(token); }

 private:
  Result<int32_t> draw(Draft& draft, std::span<const float> logits);

  const Answer& answer_;
  DraftDraws draws_;
  Rng& rng_;
  std::optional<text::Sampler> sampler_;  // those of the answer, copied when first wanted
  std::unique_ptr<text::TokenConstraint> constraint_;
};

}  // namespace verge::serve
