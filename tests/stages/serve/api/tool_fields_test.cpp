#include <verge/stages/serve/api/tool_fields.hpp>

#include "reading.hpp"

namespace verge::serve::api {
namespace {

constexpr const char* kWeather =
    R"({"type":"function","function":{"name":"weather","description":"d","parameters":
       {"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}})";
constexpr const char* kTime = R"({"type":"function","function":{"name":"time"}})";

std::string tools(const std::string& choice = "") {
  return fmt::format(R"("tools":[{},{}])", kWeather, kTime) +
         (choice.empty() ? "" : ",\"tool_choice\":" + choice);
}

TEST(ToolFields, ChoicesAreRead) {
  EXPECT_EQ(chat("").tools.choice, ToolChoice::None);
  EXPECT_EQ(chat(tools()).tools.choice, ToolChoice::Auto);
  EXPECT_EQ(chat(tools("\"none\"")).tools.choice, ToolChoice::None);
  EXPECT_EQ(chat(tools("\"required\"")).tools.choice, ToolChoice::Required);
  const ToolUse named = chat(tools(R"({"type":"function","function":{"name":"time"}})")).tools;
  EXPECT_EQ(named.choice, ToolChoice::Named);
  EXPECT_EQ(named.named, "time");
  ASSERT_EQ(named.tools.size(), 2u);
  EXPECT_EQ(named.tools[0].parameters["required"][0], "city");
}

TEST(ToolFields, WhatIsWrongIsNamed) {
  const std::pair<std::string, const char*> cases[] = {
      {"\"tools\":{}", "tools"},
      {"\"tools\":[7]", "tools[0]"},
      {R"("tools":[{"type":"magic"}])", "tools[0].type"},
      {R"("tools":[{"type":"function"}])", "tools[0].function"},
      {R"("tools":[{"function":{}}])", "tools[0].function.name"},
      {R"("tools":[{"function":{"name":"a b"}}])", "tools[0].function.name"},
      {R"("tools":[{"function":{"name":"a","parameters":[]}}])", "tools[0].function.parameters"},
      {fmt::format(R"("tools":[{},{}])", kTime, kTime), "tools"},
      {R"("tool_choice":"required")", "tool_choice"},
      {tools("\"sometimes\""), "tool_choice"},
      {tools("7"), "tool_choice"},
      {tools(R"({"type":"function","function":{"name":"other"}})"), "tool_choice"}};
  for (const auto& [fields, param] : cases) EXPECT_EQ(chat_refusal(fields).param, param) << fields;
}

TEST(ToolFields, AForcedCallFollowsASchema) {
  const Json one =
      call_schema(chat(tools(R"({"type":"function","function":{"name":"time"}})")).tools);
  EXPECT_EQ(one["properties"]["name"]["const"], "time");
  EXPECT_EQ(one["properties"]["arguments"]["type"], "object");
  const Json any = call_schema(chat(tools("\"required\"")).tools);
  ASSERT_EQ(any["anyOf"].size(), 2u);
  EXPECT_EQ(any["anyOf"][0]["properties"]["arguments"]["required"][0], "city");
}

TEST(ToolFields, ReferencesOfArgumentsMoveWithThem) {
  const ToolUse use =
      chat(R"("tool_choice":"required","tools":[{"function":{"name":"f","parameters":
    {"$defs":{"P":{"type":"object","properties":{"next":{"$ref":"#/$defs/P"}}}},
     "properties":{"p":{"$ref":"#/$defs/P"}}}}}])")
          .tools;
  const Json schema = call_schema(use);
  EXPECT_EQ(schema["properties"]["arguments"]["$ref"], "#/$defs/f");
  EXPECT_EQ(schema["$defs"]["f"]["properties"]["p"]["$ref"], "#/$defs/f/$defs/P");
  for (const char* pointer : {"/$defs/f", "/$defs/f/$defs/P"}) {
    EXPECT_TRUE(schema.contains(Json::json_pointer(pointer))) << pointer;
  }
}

TEST(ToolFields, OneCallIsEnoughWhereAClientSaysSo) {
  EXPECT_FALSE(chat(tools()).tools.only_one);
  EXPECT_TRUE(chat(tools() + ",\"parallel_tool_calls\":false").tools.only_one);
}

TEST(ToolFields, FunctionsAreToolsOfAnOlderName) {
  const std::string functions = R"("functions":[{"name":"time"},{"name":"weather","parameters":
      {"type":"object"}}])";
  const ToolUse use = chat(functions).tools;
  ASSERT_EQ(use.tools.size(), 2u);
  EXPECT_EQ(use.choice, ToolChoice::Auto);
  EXPECT_TRUE(use.is_legacy && use.only_one);
  EXPECT_EQ(use.tools[1].parameters["type"], "object");
  EXPECT_EQ(use.declared[0].dump(), R"({"type":"function","function":{"name":"time"}})");
  EXPECT_EQ(chat(functions + R"(,"function_call":"none")").tools.choice, ToolChoice::None);
  EXPECT_EQ(chat(functions + R"(,"function_call":{"name":"time"})").tools.named, "time");
  const std::pair<std::string, const char*> cases[] = {
      {functions + R"(,"function_call":"required")", "function_call"},
      {functions + R"(,"function_call":{"name":"other"})", "function_call"},
      {functions + "," + tools(), "functions"},
      {R"("function_call":"auto")", "function_call"},
      {R"("functions":[{}])", "functions[0].name"}};
  for (const auto& [fields, param] : cases) EXPECT_EQ(chat_refusal(fields).param, param) << fields;
}

}  // namespace
}  // namespace verge::serve::api
