#pragma once
// Facts about answers that several protocols write alike.

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/answer_renderer.hpp>

namespace verge::serve::api {

/// "stop", "length" or "tool_calls".
std::string_view finish_reason(const Choice& choice);

/// What ended an answer of reason "length": "max_tokens", "context" (the model's) or "quota" (of
/// the key); else nothing.
std::string_view length_limit(const Choice& choice);

/// Sets "finish_reason", and "length_limit" where there is one.
void add_finish(nlohmann::ordered_json& json, const Choice& choice);

/// Sets "verge": {"places", "reasons"}, one a token, where a split model made them.
void add_origins(nlohmann::ordered_json& json, const std::vector<TokenOrigin>& origins);

/// Sets "verge": {"exit1", "exit2", "cloud", "degraded"}, the answer's tokens by place, of a split
/// model.
void add_places(nlohmann::ordered_json& json, const Usage& usage);

/// The id of a choice's call.
std::string call_id(const AnswerMeta& meta, size_t choice, size_t number);

/// Prompts count once however many choices they have.
Usage total_usage(const Answers& answers);

/// {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details"}, and add_places.
nlohmann::ordered_json usage_json(const Usage& usage);

/// Speeds of the first choice, under the names of llama.cpp's server, in milliseconds.
nlohmann::ordered_json timings_json(const Choice& choice);

/// [{"token", "logprob", "bytes", "top_logprobs"}] of the chat protocol.
nlohmann::ordered_json chat_logprobs(const text::Tokenizer& tokenizer,
                                     const std::vector<TokenLogprobs>& logprobs);

/// Code points of a text, whole or cut anywhere.
int64_t characters_of(std::string_view utf8);

/// {"tokens", "token_logprobs", "top_logprobs", "text_offset"} of the completion protocol.
/// `offset`: characters of text before the first token; moves behind the last.
nlohmann::ordered_json completion_logprobs(const text::Tokenizer& tokenizer,
                                           const std::vector<TokenLogprobs>& logprobs,
                                           int64_t& offset);

/// The same of a prompt, whose first token has no probability: null. `offset` is moved as above.
nlohmann::ordered_json prompt_logprobs(const text::Tokenizer& tokenizer, int32_t first,
                                       const std::vector<TokenLogprobs>& others, int64_t& offset);

/// "2026-11-28T10:45:00Z"
std::string rfc3339(int64_t unix_s);

/// JSON on one line; bytes that are no UTF-8 become U+FFFD.
std::string line_of(const nlohmann::ordered_json& json);

/// The same as a server-sent event.
std::string event_of(const nlohmann::ordered_json& json);

}  // namespace verge::serve::api
