#pragma once
// Whether a greedy answer is the whole model's, token by token: what `verge fit exits` promises,
// measured on what was really written.

#include <span>

#include <verge/engine/model/language_model.hpp>

namespace verge::serve {

/// How many tokens of the answer are the whole model's likeliest ones after the prompt and the
/// answer so far. The model is loaded for many sequences and as many rows of logits at once; 0 for
/// an empty prompt. Fails as the engine does. Cost: one run over the text.
Result<int64_t> greedy_matches(model::LanguageModel& model, std::span<const int32_t> prompt,
                               std::span<const int32_t> answer);

}  // namespace verge::serve
