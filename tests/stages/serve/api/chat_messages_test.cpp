#include "reading.hpp"

namespace verge::serve::api {
namespace {

Json messages(const std::string& list) {
  return messages_of(read_well(R"({"model":"m","messages":)" + list + "}", read_chat_request));
}

std::string refused_at(const std::string& list) {
  return read_badly(R"({"model":"m","messages":)" + list + "}", read_chat_request).param;
}

TEST(ChatMessages, RolesBecomeThoseOfTemplates) {
  const Json read = messages(R"([{"role":"developer","content":"d"},{"role":"user","content":"u"},
    {"role":"assistant","content":"a"},{"role":"function","name":"f","content":"r"}])");
  EXPECT_EQ(read[0]["role"], "system");
  EXPECT_EQ(read[2], Json({{"role", "assistant"}, {"content", "a"}}));
  EXPECT_EQ(read[3], Json({{"role", "tool"}, {"content", "r"}, {"name", "f"}}));
}

TEST(ChatMessages, PartsAndNothingBecomeText) {
  const Json read = messages(R"([{"role":"user","content":[{"type":"text","text":"a"},
    {"type":"text","text":"b"}]},{"role":"assistant","content":null,"refusal":null,"audio":null}])");
  EXPECT_EQ(read[0]["content"], "ab");
  EXPECT_EQ(read[1]["content"], "");
}

TEST(ChatMessages, ArgumentsOfCallsBecomeObjects) {
  const Json read = messages(R"([{"role":"user","content":"q"},{"role":"assistant","content":null,
    "tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},
    {"role":"tool","tool_call_id":"1","content":"2"}])");
  EXPECT_EQ(read[1]["tool_calls"][0]["function"]["arguments"]["x"], 1);
  EXPECT_EQ(read[2]["tool_call_id"], "1");
}

TEST(ChatMessages, ArgumentsThatAreNoJsonStayText) {
  const std::string deep(100000, '[');
  for (const std::string& arguments : {std::string("{broken"), std::string("7"), deep}) {
    const Json call = {{"function", {{"name", "f"}, {"arguments", arguments}}}};
    const Json read = messages(
        Json::array({{{"role", "assistant"}, {"tool_calls", Json::array({call})}}}).dump());
    EXPECT_EQ(read[0]["tool_calls"][0]["function"]["arguments"], arguments);
  }
}

TEST(ChatMessages, WhatIsWrongIsNamedByItsPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "messages"},
      {"null", "messages"},
      {"\"hi\"", "messages"},
      {"[7]", "messages[0]"},
      {R"([{"content":"a"}])", "messages[0].role"},
      {R"([{"role":"king","content":"a"}])", "messages[0].role"},
      {R"([{"role":"user","content":"a"},{"role":"user","content":7}])", "messages[1].content"},
      {R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}])",
       "messages[0].content[0].type"},
      {R"([{"role":"user","content":[{"type":"text"}]}])", "messages[0].content[0].text"},
      {R"([{"role":"assistant","tool_calls":[{"type":"function"}]}])",
       "messages[0].tool_calls[0].function"},
      {R"([{"role":"assistant","tool_calls":[{"function":{"arguments":"{}"}}]}])",
       "messages[0].tool_calls[0].function.name"},
      {R"([{"role":"assistant","tool_calls":7}])", "messages[0].tool_calls"}};
  for (const auto& [list, param] : cases) EXPECT_EQ(refused_at(list), param) << list;
}

TEST(ChatMessages, OllamaTakesArgumentsAsObjectsAndNoPictures) {
  OllamaExtras extras;
  const auto read = [&](const Json& body, Problem& problem) {
    return read_ollama_chat(body, extras, problem);
  };
  const auto request = read_well(R"({"model":"m","messages":[{"role":"assistant","content":"",
    "tool_calls":[{"function":{"name":"f","arguments":{"x":[1]}}}]},
    {"role":"tool","tool_name":"f","content":"ok"}]})",
                                 read);
  EXPECT_EQ(messages_of(request)[0]["tool_calls"][0]["function"]["arguments"]["x"][0], 1);
  EXPECT_EQ(
      read_badly(R"({"model":"m","messages":[{"role":"user","content":"a","images":["x"]}]})", read)
          .param,
      "messages[0].images");
}

TEST(ChatMessages, ReasoningGoesBackToTheTemplate) {
  const GenerationRequest request = read_well(
      R"({"model":"m","messages":[{"role":"assistant","content":"a","reasoning_content":"r"}]})",
      read_chat_request);
  EXPECT_EQ(messages_of(request)[0]["reasoning_content"], "r");
}

TEST(ChatMessages, TheOlderFunctionCallIsACall) {
  const GenerationRequest request = read_well(
      R"({"model":"m","messages":[{"role":"user","content":"a"},
          {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"x\":1}"}},
          {"role":"function","name":"f","content":"7"}]})",
      read_chat_request);
  const Json& call = messages_of(request)[1]["tool_calls"][0];
  EXPECT_EQ(call["function"].dump(), R"({"name":"f","arguments":{"x":1}})");
  EXPECT_EQ(messages_of(request)[2]["role"], "tool");
}

}  // namespace
}  // namespace verge::serve::api
