#pragma once
// Sampling that two machines share: what is drawn for a position follows from seed, position and
// logits alone, so that a token is the same whichever of them draws it, and whatever was drawn
// before.

#include <verge/engine/text/sampler.hpp>

namespace verge::serve {

/// Fails with Unsupported, naming the option, for what needs the text before: penalties, mirostat;
/// and for logit_bias, which does not travel. As text::validate, too.
Status check_position_sampling(const text::SamplerOptions& sampling, int32_t vocab);

/// The token after position `position`, from the logits [vocab] there. Counter-based: the Philox
/// stream of the seed, from the position's own place on. Fails as Sampler::sample does.
Result<int32_t> sample_at(const text::SamplerOptions& sampling, std::span<const float> logits,
                          int64_t position);

}  // namespace verge::serve
