#pragma once
// OpenAI's requests, read.

#include <verge/stages/serve/api/generation_request.hpp>

namespace verge::serve::api {

class Problem;

constexpr int kMostChoices = 128;
constexpr size_t kMostPrompts = 256;
constexpr int kMostTopLogprobs = 20;

/// POST /v1/chat/completions.
GenerationRequest read_chat_request(const Json& body, Problem& problem);
/// POST /v1/completions: prompt as a string, a list of strings, token ids, or a list of those.
GenerationRequest read_completion_request(const Json& body, Problem& problem);
/// POST /completion of llama-server: `n_predict`, its defaults (temperature 0.8, top_k 40, top_p
/// 0.95, min_p 0.05, no limit), and else as above.
GenerationRequest read_llama_completion(const Json& body, Problem& problem);

struct EmbeddingRequest {
  std::string model;
  std::vector<PlainPrompt> inputs;
  bool base64 = false;     // little-endian f32 in base64, as OpenAI's own clients ask for
  int64_t dimensions = 0;  // the first so many, normalised again; 0: all
  bool truncate = false;   // texts to what the model takes, instead of refusing them
};

/// POST /v1/embeddings.
EmbeddingRequest read_embedding_request(const Json& body, Problem& problem);

/// "prompt" or "input": string, strings, ids, lists of ids.
std::vector<PlainPrompt> read_plain_prompts(const Json& value, const std::string& name,
                                            Problem& problem);

}  // namespace verge::serve::api
