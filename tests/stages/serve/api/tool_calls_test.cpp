#include <gtest/gtest.h>

#include <verge/stages/serve/api/tool_calls.hpp>

namespace verge::serve::api {
namespace {

struct Read {
  std::string text;
  std::vector<std::string> calls;  // "name(arguments)"
  bool operator==(const Read&) const = default;
};

void PrintTo(const Read& read, std::ostream* out) {
  *out << "\"" << read.text << "\"";
  for (const std::string& call : read.calls) *out << " " << call;
}

Read read(std::string_view answer, size_t piece, bool forced = false) {
  ToolCallReader reader({"f", "g"}, forced);
  Read all;
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
  const std::pair<std::string, Read> cases[] = {
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

TEST(ToolCallReader, AForcedAnswerIsOneCall) {
  EXPECT_EQ(read("{\"name\":\"f\",\"arguments\":{\"x\":1}}", 2, true),
            (Read{"", {"f({\"x\":1})"}}));
  EXPECT_EQ(read("{\"name\":\"f\",\"argum", 2, true), (Read{"{\"name\":\"f\",\"argum", {}}));
}

TEST(ToolCallReader, TextIsNotHeldBackLongerThanItMayBeACall) {
  ToolCallReader reader({"f"}, false);
  EXPECT_EQ(reader.push("Hello <").text, "Hello ");
  EXPECT_EQ(reader.push("b").text, "<b");
}

TEST(ToolCallReader, DeepJsonIsText) {
  const std::string deep = "{\"name\":\"f\",\"arguments\":" + std::string(100000, '[');
  EXPECT_EQ(read(deep, 4096), (Read{deep, {}}));
}

}  // namespace
}  // namespace verge::serve::api
