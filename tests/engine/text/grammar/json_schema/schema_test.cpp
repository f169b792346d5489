#include <string>

#include <nlohmann/json.hpp>

#include <verge/engine/text/grammar/json_schema/schema.hpp>

#include "../grammars.hpp"

namespace verge::text {
namespace {

using Json = nlohmann::ordered_json;

TEST(Schema, ReadsTheKeywordsOfEveryType) {
  const struct {
    const char* schema;
    std::initializer_list<const char*> yes, no;
  } cases[] = {
      {"true", {"1", "\"a\"", "{\"a\":[]}"}, {""}},
      {"{}", {"1", "[null]"}, {}},
      {R"({"description":"anything","x-own":1})", {"1", "{}"}, {}},
      {R"({"type":"null"})", {"null"}, {"0"}},
      {R"({"type":["boolean","null"]})", {"true", "false", "null"}, {"0"}},
      {R"({"type":"boolean","nullable":true})", {"true", "null"}, {"0"}},
      {R"({"const":{"a":[1,"x"]}})", {R"({"a":[1,"x"]})"}, {R"({"a":[1,"y"]})"}},
      {R"({"enum":["a","ab",3,null]})", {"\"a\"", "\"ab\"", "3", "null"}, {"\"b\"", "a"}},
      {R"({"type":"string","enum":["a",3]})", {"\"a\""}, {"3"}},
      {R"({"enum":["a","b"],"const":"b"})", {"\"b\""}, {"\"a\""}},
      {R"({"anyOf":[{"type":"integer"},{"type":"string"}]})", {"1", "\"a\""}, {"true"}},
      {R"({"type":"integer","oneOf":[{"minimum":5},{"maximum":1}]})", {"5", "1"}, {"3", "\"a\""}},
      {R"({"properties":{"a":{}}})", {"{}", "{\"a\":1}"}, {"1", "{\"b\":1}"}},
      {R"({"minLength":2})", {"\"ab\""}, {"\"a\"", "1"}},
      {R"({"minimum":2})", {"2", "2.5"}, {"1", "\"a\""}},
      {R"({"items":{"type":"null"}})", {"[]", "[null,null]"}, {"[1]", "{}"}},
      {R"({"enum":["é\n\"",1.5]})", {"\"é\\n\\\"\"", "1.5"}, {}},
  };
  for (const auto& test : cases) expect_texts(*schema(test.schema), test.yes, test.no, test.schema);
}

TEST(Schema, FollowsReferencesAlsoToItself) {
  expect_texts(*schema(R"({"type":"object","properties":{"value":{"type":"integer"},
                           "next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},
                           "required":["value","next"]})"),
               {R"({"value":1,"next":null})", R"({"value":1,"next":{"value":2,"next":null}})"},
               {R"({"value":1})", R"({"value":1,"next":{"value":2}})"});
  expect_texts(*schema(R"({"$ref":"#/$defs/a~1b/items/1","$defs":{"a/b":{"items":[1,
                           {"type":"array","items":{"$ref":"#/$defs/leaf"}}]},
                           "leaf":{"const":"x"}}})"),
               {"[]", R"(["x","x"])"}, {R"(["y"])", "\"x\""});
  expect_texts(*schema(R"({"$ref":"#/definitions/n","maximum":9,"description":"d",
                           "definitions":{"n":{"type":"integer","minimum":3}}})"),
               {"3", "9"}, {"2", "10"});
}

TEST(Schema, RefusesByPlaceAndName) {
  const struct {
    const char* schema;
    Code code;
    const char* message;
  } cases[] = {
      {"[", Code::Malformed, "not JSON"},
      {"3", Code::Malformed, "# is number; a schema is an object or a boolean"},
      {R"({"type":"text"})", Code::Malformed, "#: 'type' is [\"text\"]; use object"},
      {R"({"type":7})", Code::Malformed, "'type' is 7"},
      {R"({"properties":{"a":{"type":"object","properties":{"b":{"not":{}}}}}})", Code::Unsupported,
       "#/properties/a/properties/b: 'not' cannot be held"},
      {R"({"items":{"if":{"const":1}}})", Code::Unsupported, "#/items: 'if' cannot be held"},
      {R"({"uniqueItems":true})", Code::Unsupported, "'uniqueItems' cannot be held"},
      {R"({"patternProperties":{"a":{}}})", Code::Unsupported, "'patternProperties'"},
      {R"({"dependentRequired":{"a":["b"]}})", Code::Unsupported, "'dependentRequired'"},
      {R"({"$ref":"other.json"})", Code::Unsupported, "'$ref' is 'other.json'"},
      {R"({"$ref":"#/$defs/x"})", Code::NotFound, "'$defs' is not there"},
      {R"({"$ref":3})", Code::Malformed, "'$ref' is no string"},
      {R"({"$ref":"#"})", Code::Malformed, "no finite text"},
      {R"({"anyOf":[]})", Code::Malformed, "'anyOf' must be a list of schemas"},
      {R"({"enum":3})", Code::Malformed, "'enum' must be a list"},
      {R"({"enum":["a"],"minLength":1})", Code::Unsupported, "'minLength' beside 'enum'"},
      {"false", Code::Malformed, "no finite text"},
      {R"({"enum":[]})", Code::Malformed, "no finite text"},
      {R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})", Code::Malformed,
       "no finite text"},
      {R"({"unevaluatedProperties":false,"additionalProperties":true,"type":"object"})",
       Code::Unsupported, "contradicts"},
  };
  for (const auto& test : cases) {
    const std::string message = refusal(Grammar::from_json_schema(test.schema), test.code);
    EXPECT_NE(message.find(test.message), std::string::npos) << test.schema << "\n" << message;
    EXPECT_TRUE(message.starts_with("JSON schema: ")) << message;
  }
}

TEST(Schema, WhatSaysNothingIsNoReasonToRefuse) {
  for (const char* text :
       {R"({"type":"array","uniqueItems":false})", R"({"type":"object","patternProperties":{}})",
        R"({"type":"object","properties":{"a":{}},"unevaluatedProperties":false})",
        R"({"$schema":"s","$id":"i","title":"t","default":1,"examples":[1]})"}) {
    EXPECT_TRUE(Grammar::from_json_schema(text).ok()) << text;
  }
}

TEST(Schema, EqualMultiplesAreMadeOnce) {
  Json same = {{"type", "object"}}, different = same;
  for (int i = 2; i <= 100; ++i) {
    const std::string name = fmt::format("p{}", i);
    same["properties"][name] = {{"type", "integer"}, {"multipleOf", 97}};
    same["required"].push_back(name);
    different["properties"][name] = {{"type", "integer"}, {"multipleOf", i}};
  }
  grammar::Rules rules;
  const auto root = grammar::compile_schema(same, rules);
  ASSERT_TRUE(root.ok()) << root.error().message;
  EXPECT_LT(rules.nodes(), 100000u);
  grammar::Rules many;
  const auto refused = grammar::compile_schema(different, many);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::Unsupported);
  EXPECT_NE(refused.error().message.find("more than 1048576 parts"), std::string::npos);
  EXPECT_EQ(many.nodes(), grammar::kMaxNodes);
}

// Small schemas that mean much: refused in bounded time, with the place.
TEST(Schema, BombsAreRefused) {
  const auto message_of = [](const Json& bomb) {
    return refusal(Grammar::from_schema(bomb), Code::Unsupported);
  };
  Json nested = {{"type", "integer"}};
  for (int i = 0; i < 120; ++i) nested = {{"type", "array"}, {"items", nested}};
  EXPECT_NE(message_of(nested).find("/items: more than 64 schemas inside one another"),
            std::string::npos);
  for (int i = 0; i < 90; ++i) nested = {{"type", "array"}, {"items", nested}};
  EXPECT_NE(message_of(nested).find("nests more than 200"), std::string::npos);

  Json doubling = {{"$ref", "#/$defs/a0"}};
  for (int i = 0; i < 25; ++i) {
    const Json next = {{"$ref", fmt::format("#/$defs/a{}", i + 1)}};
    doubling["$defs"][fmt::format("a{}", i)] = {{"allOf", Json::array({next, next})}};
  }
  doubling["$defs"]["a25"] = {{"type", "integer"}};
  EXPECT_NE(message_of(doubling).find("more than 20000 schemas to read"), std::string::npos);

  Json either = {{"type", "string"}};
  for (int i = 0; i < 40; ++i) {
    either = {{"anyOf", Json::array({{{"minLength", i}}, {{"maxLength", 50 + i}}})},
              {"allOf", Json::array({either})}};
  }
  EXPECT_NE(message_of(either).find("JSON schema: "), std::string::npos);

  Json loop = {{"$ref", "#/$defs/a"},
               {"$defs", {{"a", {{"allOf", Json::array({{{"$ref", "#/$defs/a"}}})}}}}}};
  EXPECT_NE(message_of(loop).find("more than 64 schemas inside one another"), std::string::npos);

  Json values = Json::array();
  for (int i = 0; i < 10001; ++i) values.push_back(i);
  EXPECT_NE(message_of({{"enum", values}}).find("'enum' has 10001 values"), std::string::npos);

  Json wide = {
      {"type", "array"},
      {"minItems", 9999},
      {"items",
       {{"type", "array"},
        {"minItems", 9999},
        {"items", {{"type", "array"}, {"minItems", 9999}, {"items", {{"type", "string"}}}}}}}};
  const auto wide_grammar = Grammar::from_schema(wide);  // calls, not copies
  EXPECT_TRUE(wide_grammar.ok()) << wide_grammar.error().message;

  EXPECT_NE(refusal(Grammar::from_json_schema(std::string((1 << 20) + 1, ' ')), Code::Unsupported)
                .find("bytes"),
            std::string::npos);
  EXPECT_FALSE(Grammar::from_json_schema(std::string(500000, '[')).ok());
  EXPECT_FALSE(Grammar::from_json_schema(std::string(400000, '[') + std::string(400000, ']')).ok());
}

}  // namespace
}  // namespace verge::text
