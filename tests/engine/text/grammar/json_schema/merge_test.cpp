#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/engine/text/grammar/json_schema/merge.hpp>

namespace verge::text::grammar {
namespace {

using Json = nlohmann::ordered_json;

TEST(Merge, JoinsKeywordsThatMustAllHold) {
  const struct {
    const char* parts;
    const char* joined;
  } cases[] = {
      {R"([{"type":"number"},{"type":["integer","string"]}])", R"({"type":["integer"]})"},
      {R"([{"minimum":1,"maxLength":9},{"minimum":3,"maxLength":4}])",
       R"({"minimum":3,"maxLength":4})"},
      {R"([{"required":["a"]},{"required":["b","a"]}])", R"({"required":["a","b"]})"},
      {R"([{"enum":[1,2,3]},{"enum":[3,2]},{"const":2}])", R"({"enum":[2]})"},
      {R"([{"type":"string","nullable":true},{"type":["null","integer"]}])",
       R"({"type":["null"]})"},
      {R"([{"minimum":2,"exclusiveMinimum":true},{"title":"t"}])", R"({"exclusiveMinimum":2})"},
      {R"([{"items":{"minimum":1}},{"items":{"maximum":2}}])",
       R"({"items":{"allOf":[{"minimum":1},{"maximum":2}]}})"},
      {R"([{"anyOf":[1]},{"anyOf":[2]}])", R"({"anyOf":[1],"oneOf":[2]})"},
      {R"([true,{"type":"string"}])", R"({"type":["string"]})"},
      {R"([false])", R"({"enum":[]})"},
      {R"([{"properties":{"a":{"minimum":1}}},{"properties":{"a":{"maximum":2},"b":{}}}])",
       R"({"properties":{"a":{"allOf":[{"minimum":1},{"maximum":2}]},"b":{}}})"},
      // What one side does not name is for it an additional property.
      {R"([{"properties":{"a":{}},"additionalProperties":false},{"properties":{"b":{}}}])",
       R"({"properties":{"a":{},"b":false},"additionalProperties":false})"},
      {R"([{"properties":{"a":{}}},{"additionalProperties":{"type":"null"}}])",
       R"({"properties":{"a":{"allOf":[{},{"type":"null"}]}},"additionalProperties":{"type":"null"}})"},
  };
  for (const auto& test : cases) {
    const Json schema = {{"allOf", Json::parse(test.parts)}};
    SchemaMerger merger(schema);
    const auto flat = merger.flatten(schema, "#", 0);
    ASSERT_TRUE(flat.ok()) << flat.error().message;
    EXPECT_EQ(nlohmann::json::parse(flat->dump()), nlohmann::json::parse(test.joined))
        << test.parts << "\n"
        << flat->dump();
  }
}

TEST(Merge, WhatCannotBeJoinedIsNamed) {
  const Json schema = Json::parse(R"({"allOf":[{"pattern":"a"},{"pattern":"b"}]})");
  SchemaMerger merger(schema);
  const auto flat = merger.flatten(schema, "#", 0);
  ASSERT_FALSE(flat.ok());
  EXPECT_NE(flat.error().message.find("#/allOf/1: two different 'pattern'"), std::string::npos);
}

TEST(Merge, LongListsAreNotCompared) {
  for (const char* key : {"enum", "required"}) {
    Json a = Json::array(), b = Json::array();
    for (int i = 0; i < 5000; ++i) {
      a.push_back(fmt::format("a{}", i));
      b.push_back(fmt::format("b{}", i));
    }
    const Json schema = {{"allOf", Json::array({{{key, a}}, {{key, b}}})}};
    SchemaMerger merger(schema);
    const auto flat = merger.flatten(schema, "#", 0);
    ASSERT_FALSE(flat.ok()) << key;
    EXPECT_EQ(flat.error().code, Code::Unsupported);
    EXPECT_NE(flat.error().message.find(fmt::format("#/allOf/1: '{}' is too long", key)),
              std::string::npos)
        << flat.error().message;
  }
}

TEST(Merge, PointersAreResolvedWithTheirEscapes) {
  const Json document = Json::parse(R"({"a/b":{"c~d":[10,{"x y":5}]},"":{"$e":7}})");
  const SchemaMerger merger(document);
  EXPECT_EQ(**merger.resolve("#/a~1b/c~0d/0", "#"), 10);
  EXPECT_EQ(**merger.resolve("#/a~1b/c~0d/1/x%20y", "#"), 5);
  EXPECT_EQ(**merger.resolve("#//%24e", "#"), 7);
  EXPECT_EQ(*merger.resolve("#", "#"), &document);
  for (const char* missing : {"#/b", "#/a~1b/c~0d/2", "#/a~1b/c~0d/-1", "#/a~1b/c~0d/0/x"}) {
    const auto found = merger.resolve(missing, "#/here");
    ASSERT_FALSE(found.ok()) << missing;
    EXPECT_EQ(found.error().code, Code::NotFound);
    EXPECT_TRUE(found.error().message.starts_with("JSON schema: #/here: "));
  }
  EXPECT_EQ(merger.resolve("http://example.com/s", "#").error().code, Code::Unsupported);
  EXPECT_EQ(merger.resolve("#name", "#").error().code, Code::Unsupported);
}

}  // namespace
}  // namespace verge::text::grammar
