#pragma once
// embed: one vector for a whole text, from the hidden states of a decoder (Reimers & Gurevych 2019
// for the kinds of pooling).

#include <span>
#include <vector>

#include <verge/engine/model/language_model.hpp>

namespace verge::model {

enum class Pooling : uint8_t {
  Mean,  // of all tokens' hidden states
  Cls,   // that of the first token
  Last,  // that of the last token
};

/// What the file says by "<architecture>.pooling_type", else Mean. Fails with Unsupported for a
/// kind that is none of these (ranking).
Result<Pooling> pooling_of(const format::ModelSource& source);

/// The pooled hidden state [d_model] after the last norm, not divided by its length. Uses pages of
/// the model's pool while it runs, and makes the model's hidden program on first use. Fails with
/// InvalidArgument for no tokens or more than the context, else as runtime::run_step does.
Result<std::vector<float>> embed(LanguageModel& model, std::span<const int32_t> tokens,
                                 Pooling pooling, const std::atomic<bool>* cancel = nullptr);

}  // namespace verge::model
