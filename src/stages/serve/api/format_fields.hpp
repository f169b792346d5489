#pragma once
// What the text of an answer must be: response_format and the names that other servers have for it.

#include <verge/stages/serve/api/generation_request.hpp>
#include <verge/stages/serve/api/json_fields.hpp>

namespace verge::serve::api {

constexpr size_t kMostAlternatives = 4096;  // of guided_choice

/// At most one of: OpenAI's `response_format` (text, json_object, json_schema), llama-server's
/// `grammar` (GBNF) and `json_schema`, vLLM's `guided_json`, `guided_regex`, `guided_choice`,
/// `guided_grammar`, `guided_json_object` and `structured_outputs` with json, regex, choice,
/// grammar or json_object. Reports a second one, and what cannot be held.
OutputFormat read_output_format(Fields& fields);

/// Ollama's `format`: "json" or a schema.
OutputFormat read_ollama_format(Fields& fields);

}  // namespace verge::serve::api
