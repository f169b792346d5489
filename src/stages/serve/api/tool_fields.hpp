#pragma once
// tools, tool_choice and response_format: what an answer may or must be besides text.

#include <verge/stages/serve/api/generation_request.hpp>
#include <verge/stages/serve/api/json_fields.hpp>

namespace verge::serve::api {

constexpr size_t kMostTools = 128;

/// OpenAI's `tools` and `tool_choice` ("none", "auto", "required" or a named function). Reports
/// names that are missing, doubled or outside of [a-zA-Z0-9_.-]{1,64}, and a choice of a tool that
/// is not there.
ToolUse read_tools(Fields& fields);

/// OpenAI's `response_format` (text, json_object, json_schema), and what other servers take:
/// `grammar` (GBNF), `guided_json`, `guided_grammar`.
OutputFormat read_response_format(Fields& fields);

/// Ollama's `format`: "json" or a schema.
OutputFormat read_ollama_format(Fields& fields);

/// The schema of {"name": ..., "arguments": {...}} that a forced call must follow.
Json call_schema(const ToolUse& use);

}  // namespace verge::serve::api
