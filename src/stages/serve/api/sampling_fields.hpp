#pragma once
// The fields that say how tokens are drawn and when an answer ends, of both APIs.

#include <verge/stages/serve/api/generation_request.hpp>
#include <verge/stages/serve/api/json_fields.hpp>

namespace verge::serve::api {

constexpr size_t kMostStops = 16;
constexpr size_t kMostStopTokens = 256;
constexpr size_t kLongestStop = 1024;  // bytes
constexpr int64_t kMostTokens = int64_t{1} << 31;

/// OpenAI's fields and the extensions that other servers made usual: top_k, min_p, typical_p,
/// repetition_penalty (repeat_penalty), mirostat_tau, mirostat_eta, ignore_eos, stop_token_ids,
/// include_stop_str_in_output. Without a field its
/// documented default counts: temperature 1, top_p 1, nothing else cut or penalized.
void read_openai_sampling(Fields& fields, GenerationRequest& request);

/// The map `options` of Ollama, with Ollama's defaults: temperature 0.8, top_k 40, top_p 0.9,
/// repeat_penalty 1.1 over 64 tokens.
void read_ollama_options(Fields& options, GenerationRequest& request);

/// A string or a list of strings, none empty.
std::vector<std::string> read_stops(Fields& fields, std::string_view name);

}  // namespace verge::serve::api
