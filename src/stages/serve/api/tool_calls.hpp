#pragma once
// ToolCallReader: finds the calls in what a model writes, while it writes.
//
//   <tool_call>{"name": "f", "arguments": {...}}</tool_call>     Hermes, Qwen
//   [TOOL_CALLS][{"name": "f", "arguments": {...}}, ...]         Mistral to 2024
//   [TOOL_CALLS]f[CALL_ID]id[ARGS]{...}[TOOL_CALLS]...           Mistral since 2025; id as it likes
//   <|python_tag|>{"name": "f", "parameters": {...}}; {...}      Llama 3, also without the tag
//
// Everything else is text for the user, and so is a call that is no JSON or names no known tool.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <verge/stages/serve/api/call_syntax.hpp>
#include <verge/stages/serve/api/json_end.hpp>

namespace verge::serve::api {

struct ToolCall {
  std::string name;
  std::string arguments;  // JSON
};

struct ToolCallOptions {
  CallSyntax syntax = CallSyntax::Hermes;
  bool forced =
      false;         // the whole answer is one call, as the constraint of call_schema() writes it
  bool bare = true;  // an answer that is one JSON object may be a call
};

/// One answer.
class ToolCallReader {
 public:
  ToolCallReader(std::vector<std::string> tools, ToolCallOptions options);

  struct Found {
    std::string text;
    std::vector<ToolCall> calls;
  };
  /// Text is held back while it may begin or be a call.
  Found push(std::string_view piece);
  /// The rest, when the answer ends.
  Found finish();

 private:
  enum class State { Start, Text, Tagged, Calls, Whole };
  void scan(Found& found);
  bool scan_start();
  bool scan_text(Found& found);
  bool scan_tagged(Found& found);
  bool scan_calls(Found& found);
  bool take_calls(size_t begin, size_t end, Found& found);
  void begin_calls(size_t tag_bytes);
  bool give_up(Found& found);
  bool add_call(std::string_view json, Found& found) const;
  bool add_call(const nlohmann::ordered_json& json, Found& found) const;
  bool knows(std::string_view name) const;

  std::vector<std::string> tools_;
  ToolCallOptions options_;
  std::string_view open_;
  State state_;
  std::string held_;
  size_t tag_bytes_ = 0;    // of State::Calls: what stands before the calls
  size_t value_begin_ = 0;  // where a JSON value begins; 0 while none is found
  JsonEnd value_end_;
  bool after_call_ = false;
};

}  // namespace verge::serve::api
