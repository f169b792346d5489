#pragma once
// score_prompt: how likely a model finds the tokens of a prompt: what evaluations ask for.

#include <atomic>
#include <span>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/runtime/decoder.hpp>
#include <verge/stages/serve/generate/answer.hpp>

namespace verge::serve {

/// Of every token but the first, given those before it; with the `top` likeliest in its place.
/// Takes pages for the whole prompt and gives them back. Rows of logits bound a run of the model,
/// so that a prompt takes about its length divided by decoder.max_outputs of them. `adapter`: an
/// index into decoder.adapters, -1 for none. Fails as Session::append does.
Result<std::vector<TokenLogprobs>> score_prompt(runtime::Decoder& decoder,
                                                std::span<const int32_t> tokens, int top,
                                                int32_t adapter,
                                                const std::atomic<bool>* cancel = nullptr);

}  // namespace verge::serve
