#pragma once
// ToolCallReader: finds the calls in what a model writes, while it writes.
//
//   <tool_call>{"name": "f", "arguments": {...}}</tool_call>     Hermes, Qwen
//   {"name": "f", "parameters": {...}}                           Llama 3, as the whole answer
//
// Everything else is text for the user, and so is a call that is no JSON or names no known tool.

#include <string>
#include <string_view>
#include <vector>

namespace verge::serve::api {

struct ToolCall {
  std::string name;
  std::string arguments;  // JSON
};

/// One answer.
class ToolCallReader {
 public:
  /// `forced`: the whole answer is one call, as the constraint of call_schema() writes it.
  ToolCallReader(std::vector<std::string> tools, bool forced);

  struct Found {
    std::string text;
    std::vector<ToolCall> calls;
  };
  /// Text is held back while it may begin or be a call.
  Found push(std::string_view piece);
  /// The rest, when the answer ends.
  Found finish();

 private:
  enum class State { Start, Text, Tagged, Whole };
  void scan(Found& found);
  void scan_start();
  bool scan_text(Found& found);
  bool scan_tagged(Found& found);
  bool add_call(std::string_view json, Found& found) const;

  std::vector<std::string> tools_;
  State state_;
  std::string held_;
  bool after_call_ = false;
};

}  // namespace verge::serve::api
