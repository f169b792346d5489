#pragma once
// Ollama's requests, read. Streaming is on unless "stream" is false.

#include <verge/stages/serve/api/generation_request.hpp>
#include <verge/stages/serve/api/openai_request.hpp>

namespace verge::serve::api {

/// What Ollama's requests say beside the generation.
struct OllamaExtras {
  std::optional<double> keep_alive_s;  // after the answer; negative: for ever; 0: unload
  bool load_only = false;              // no prompt, no messages: load the model (or unload it)
};

/// POST /api/generate: prompt (with the model's template unless `raw`), system, format, options.
GenerationRequest read_ollama_generate(const Json& body, OllamaExtras& extras, Problem& problem);
/// POST /api/chat: messages, tools, format, options.
GenerationRequest read_ollama_chat(const Json& body, OllamaExtras& extras, Problem& problem);
/// POST /api/embed (`input`) and /api/embeddings (`prompt`).
EmbeddingRequest read_ollama_embed(const Json& body, bool legacy, Problem& problem);

/// "5m", "1h30m", "300ms", "-1" or a number of seconds.
std::optional<double> parse_duration_s(std::string_view text);

}  // namespace verge::serve::api
