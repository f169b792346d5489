#pragma once
// Tools: what an answer may or must be besides text.

#include <verge/stages/serve/api/generation_request.hpp>
#include <verge/stages/serve/api/json_fields.hpp>

namespace verge::serve::api {

constexpr size_t kMostTools = 128;

/// OpenAI's `tools` and `tool_choice` ("none", "auto", "required" or a named function). Reports
/// names that are missing, doubled or outside of [a-zA-Z0-9_.-]{1,64}, and a choice of a tool that
/// is not there. `parallel_tool_calls`: false allows one call.
ToolUse read_tools(Fields& fields);

/// read_tools(), or OpenAI's older `functions` and `function_call`, where those are given.
ToolUse read_tools_or_functions(Fields& fields);

/// The schema of {"name": ..., "arguments": {...}} that a forced call must follow. `arguments` is
/// what the model's family calls them.
Json call_schema(const ToolUse& use, const char* arguments = "arguments");

/// The schema of such a call, or else of an answer of the schema `answer`.
Json call_or_answer_schema(const ToolUse& use, const char* arguments, Json answer);

}  // namespace verge::serve::api
