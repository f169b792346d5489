#include <span>

#include <gtest/gtest.h>

#include <verge/stages/serve/api/tool_calls.hpp>

namespace verge::serve::api {
namespace {

struct ReadCalls {
  std::string text;
  std::vector<std::string> calls;  // "name(arguments)"
  bool operator==(const ReadCalls&) const = default;
};

void PrintTo(const ReadCalls& read, std::ostream* out) {
  *out << "\"" << read.text << "\"";
  for (const std::string& call : read.calls) *out << " " << call;
}

ReadCalls read(std::string_view answer, size_t piece, ToolCallOptions options = {}) {
  ToolCallReader reader({"f", "g"}, options);
  ReadCalls all;
  const auto add = [&](const ToolCallReader::Found& found) {
    all.text += found.text;
    for (const ToolCall& call : found.calls)
      all.calls.push_back(call.name + "(" + call.arguments + ")");
  };
  for (size_t at = 0; at < answer.size(); at += piece) add(reader.push(answer.substr(at, piece)));
  add(reader.finish());
  return all;
}

TEST(ToolCallReader, FindsCallsHoweverTheTextIsCut) {
  const std::pair<std::string, ReadCalls> cases[] = {
      {"Hello.", {"Hello.", {}}},
      {"<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1}}\n</tool_call>",
       {"", {"f({\"x\":1})"}}},
      {"Let me see. <tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>\n"
       "<tool_call>{\"name\":\"g\",\"arguments\":{}}</tool_call>",
       {"Let me see. ", {"f({})", "g({})"}}},
      {"{\"name\": \"g\", \"parameters\": {\"y\": [2]}}", {"", {"g({\"y\":[2]})"}}},
      {"  {\"name\": \"g\", \"arguments\": \"{\\\"y\\\":2}\"}", {"", {"g({\"y\":2})"}}},
      {"{\"name\": \"other\", \"parameters\": {}}",
       {"{\"name\": \"other\", \"parameters\": {}}", {}}},
      {"{\"answer\": 42}", {"{\"answer\": 42}", {}}},
      {"{not json", {"{not json", {}}},
      {"<tool_call>{\"name\":\"f\",\"arguments\":{}}", {"", {"f({})"}}},
      {"<tool_call>broken</tool_call> rest", {"<tool_call>broken</tool_call> rest", {}}},
      {"a < b <tool", {"a < b <tool", {}}},
      {"", {"", {}}}};
  for (const auto& [answer, expected] : cases) {
    for (const size_t piece : {size_t{1}, size_t{3}, size_t{7}, size_t{1000}}) {
      EXPECT_EQ(read(answer, piece), expected) << answer << " in pieces of " << piece;
    }
  }
}

void expect_read(CallSyntax syntax, std::span<const std::pair<std::string, ReadCalls>> cases) {
  for (const auto& [answer, expected] : cases) {
    for (const size_t piece : {size_t{1}, size_t{3}, size_t{7}, size_t{1000}}) {
      EXPECT_EQ(read(answer, piece, {.syntax = syntax}), expected)
          << answer << " in pieces of " << piece;
    }
  }
}

TEST(ToolCallReader, FindsMistralsCalls) {
  const std::pair<std::string, ReadCalls> cases[] = {
      {"Hello.", {"Hello.", {}}},
      {R"([TOOL_CALLS] [{"name": "f", "arguments": {"x": "]}"}}, {"name": "g", "arguments": {}}])",
       {"", {R"(f({"x":"]}"}))", "g({})"}}},
      {R"(I see. [TOOL_CALLS][{"name":"f","arguments":{},"id":"abcdefghi"}])",
       {"I see. ", {"f({})"}}},
      {R"([TOOL_CALLS]f[ARGS]{"x": [1]}[TOOL_CALLS]g[CALL_ID]123456789[ARGS]{})",
       {"", {R"(f({"x":[1]}))", "g({})"}}},
      {R"([TOOL_CALLS]f{"x": 1})", {"", {R"(f({"x":1}))"}}},
      {R"([TOOL_CALLS]other[ARGS]{})", {R"([TOOL_CALLS]other[ARGS]{})", {}}},
      {R"([TOOL_CALLS][{"name":"f"})", {R"([TOOL_CALLS][{"name":"f"})", {}}},
      {R"([TOOL_CALLS][7] then)", {R"([TOOL_CALLS][7] then)", {}}},
      {"[TOOL", {"[TOOL", {}}},
      {R"(<tool_call>{"name":"f","arguments":{}}</tool_call>)",
       {R"(<tool_call>{"name":"f","arguments":{}}</tool_call>)", {}}}};
  expect_read(CallSyntax::Mistral, cases);
}

TEST(ToolCallReader, FindsLlamasCalls) {
  const std::pair<std::string, ReadCalls> cases[] = {
      {R"(<|python_tag|>{"name": "f", "parameters": {"x": 1}})", {"", {R"(f({"x":1}))"}}},
      {R"(<|python_tag|>{"name":"f","parameters":{}}; {"name":"g","parameters":{}})",
       {"", {"f({})", "g({})"}}},
      {R"({"type": "function", "name": "f", "parameters": {"x": "}"}})", {"", {R"(f({"x":"}"}))"}}},
      {R"({"name": "f", "parameters": {}} ; {"name": "g", "parameters": {}})",
       {"", {"f({})", "g({})"}}},
      {R"(Look: <|python_tag|>{"name":"f","parameters":{}})", {"Look: ", {"f({})"}}},
      {R"({"answer": 42} and more)", {R"({"answer": 42} and more)", {}}},
      {"{\"name\": \"f\"", {"{\"name\": \"f\"", {}}},
      {"<|python_tag|>f.call(x=1)", {"<|python_tag|>f.call(x=1)", {}}}};
  expect_read(CallSyntax::Llama3, cases);
}

TEST(ToolCallReader, BareJsonIsTextWhereTheAnswerMustBeJson) {
  const std::string json = R"({"name":"f","arguments":{}})";
  EXPECT_EQ(read(json, 3, {.bare = false}), (ReadCalls{json, {}}));
}

TEST(ToolCallReader, CallsAreHandedOverAsSoonAsTheyAreWhole) {
  ToolCallReader reader({"f"}, {.syntax = CallSyntax::Llama3});
  EXPECT_TRUE(reader.push(R"(<|python_tag|>{"name":"f","parameters":{)").calls.empty());
  EXPECT_EQ(reader.push("}}").calls.size(), 1u);
}

TEST(ToolCallReader, AForcedAnswerIsOneCall) {
  EXPECT_EQ(read("{\"name\":\"f\",\"arguments\":{\"x\":1}}", 2, {.forced = true}),
            (ReadCalls{"", {"f({\"x\":1})"}}));
  EXPECT_EQ(read("{\"name\":\"f\",\"argum", 2, {.forced = true}),
            (ReadCalls{"{\"name\":\"f\",\"argum", {}}));
}

TEST(ToolCallReader, TextIsNotHeldBackLongerThanItMayBeACall) {
  ToolCallReader reader({"f"}, {});
  EXPECT_EQ(reader.push("Hello <").text, "Hello ");
  EXPECT_EQ(reader.push("b").text, "<b");
}

TEST(ToolCallReader, DeepJsonIsText) {
  const std::string deep = "{\"name\":\"f\",\"arguments\":" + std::string(100000, '[');
  EXPECT_EQ(read(deep, 4096), (ReadCalls{deep, {}}));
}

}  // namespace
}  // namespace verge::serve::api
