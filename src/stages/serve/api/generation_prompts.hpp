#pragma once
// The prompts of a request that generates, as tokens, and what they may not be.

#include <vector>

#include <verge/stages/serve/api/generation_request.hpp>
#include <verge/stages/serve/api/model_directory.hpp>

namespace verge::serve::api {

/// One for each prompt, each with room for an answer. Reports what the model cannot do of it:
/// lengths, tokens that are none, samplers, too many answers, more context than it has.
std::vector<TokenIds> make_prompts(const ModelEntry& model, const GenerationRequest& request,
                                   int64_t now_unix_s, Problem& problem);

}  // namespace verge::serve::api
