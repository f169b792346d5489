#include <string>

#include "../grammars.hpp"

namespace verge::text {
namespace {

TEST(SchemaContainers, HoldsMembersInOrderAndItemsInNumber) {
  const struct {
    const char* schema;
    std::initializer_list<const char*> yes, no;
  } cases[] = {
      {R"({"type":"object"})", {"{}", "{ }", R"({"a": 1, "b": {}})"}, {"[]", R"({"a"})"}},
      {R"({"type":"object","properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}},
           "required":["b"]})",
       {R"({"b":2})", R"({"a":1,"b":2})", R"({"b": 2, "c": 3})", "{\n  \"a\": 1,\n  \"b\": 2\n}"},
       {"{}", R"({"a":1})", R"({"b":2,"a":1})", R"({"a":1,"c":3})", R"({"b":2,})",
        R"({"b":2,"b":2})", R"({,"b":2})", R"({"b":2,"d":4})", R"({"b":3})"}},
      {R"({"type":"object","properties":{"a":{"const":1},"b":{"const":2}}})",
       {"{}", R"({"a":1})", R"({"b":2})", R"({"a":1,"b":2})"},
       {R"({"b":2,"a":1})"}},
      {R"({"type":"object","properties":{"a":{"const":1}},"additionalProperties":{"const":9}})",
       {"{}", R"({"a":1})", R"({"x":9})", R"({"a":1,"x":9,"ab":9,"":9})"},
       {R"({"a":9})", R"({"x":9,"a":1})", R"({"x":1})", R"({"x":9,"a":9})"}},
      {R"({"type":"object","properties":{"a":{}},"additionalProperties":true,"required":["a","z"]})",
       {R"({"a":1,"z":2})", R"({"a":1,"z":[],"b":0})"},
       {R"({"a":1})", R"({"a":1,"b":0})"}},
      {R"({"type":"object","properties":{"a":{}},"additionalProperties":false})",
       {"{}", R"({"a":1})"},
       {R"({"b":1})"}},
      {R"({"type":"object","additionalProperties":false})", {"{}"}, {R"({"a":1})"}},
      {R"({"type":"object","required":["k"]})", {R"({"k":[]})"}, {"{}", R"({"j":1})"}},
      {R"({"type":"object","additionalProperties":{"type":"null"},"minProperties":1,
           "maxProperties":2})",
       {R"({"a":null})", R"({"a":null,"b":null})"},
       {"{}", R"({"a":null,"b":null,"c":null})", R"({"a":1})"}},
      {R"({"type":"object","maxProperties":0})", {"{}"}, {R"({"a":1})"}},
      {R"({"type":"object","properties":{"ü\"\n":{}},"required":["ü\"\n"]})",
       {R"({"ü\"\n":1})"},
       {"{}"}},
      {R"({"type":"array"})", {"[]", "[1]", "[1, \"a\", []]"}, {"[1,]", "{}"}},
      {R"({"type":"array","items":{"const":1},"minItems":1,"maxItems":3})",
       {"[1]", "[1,1]", "[1, 1, 1]"},
       {"[]", "[1,1,1,1]", "[2]"}},
      {R"({"type":"array","maxItems":0})", {"[]"}, {"[1]"}},
      {R"({"type":"array","items":false})", {"[]"}, {"[1]"}},
      {R"({"type":"array","prefixItems":[{"const":1},{"const":2}]})",
       {"[1,2]", "[ 1, 2 ]"},
       {"[]", "[1]", "[1,2,3]", "[2,1]"}},
      {R"({"type":"array","prefixItems":[{"const":1}],"items":{"const":2},"minItems":2})",
       {"[1,2]", "[1,2,2]"},
       {"[1]", "[2]", "[1,1]"}},
      {R"({"type":"array","items":[{"const":1},{"const":2}],"maxItems":1})",
       {"[1]"},
       {"[]", "[1,2]"}},
      {R"({"type":"array","prefixItems":[{"const":1}],"minItems":2})", {"[1,true]"}, {"[1]"}},
  };
  for (const auto& test : cases) expect_texts(*schema(test.schema), test.yes, test.no, test.schema);
}

// Hundreds of properties that may all be left out: linear, not quadratic in size.
TEST(SchemaContainers, ManyOptionalPropertiesStaySmall) {
  std::string text = R"({"type":"object","properties":{)";
  for (int i = 0; i < 500; ++i) {
    text += fmt::format(R"({}"p{}":{{"type":"boolean"}})", i > 0 ? "," : "", i);
  }
  const auto grammar = schema(text + "}}");
  expect_texts(*grammar, {"{}", R"({"p0":true,"p499":false})", R"({"p250":true})"},
               {R"({"p499":true,"p0":false})", R"({"p500":true})"});
}

TEST(SchemaContainers, RefusesByName) {
  const struct {
    const char* schema;
    Code code;
    const char* message;
  } cases[] = {
      {R"({"type":"object","properties":[]})", Code::Malformed, "'properties' must be an object"},
      {R"({"type":"object","required":"a"})", Code::Malformed, "'required' must be a list"},
      {R"({"type":"object","required":[1]})", Code::Malformed, "'required' must be a list"},
      {R"({"type":"object","properties":{"a":3}})", Code::Malformed, "#/properties/a is number"},
      {R"({"type":"object","properties":{"a":{}},"minProperties":1})", Code::Unsupported,
       "'minProperties' beside 'properties'"},
      {R"({"type":"object","properties":{"a":{},"b":{}},"maxProperties":1})", Code::Unsupported,
       "'maxProperties' beside 'properties'"},
      {R"({"type":"object","required":["a"],"additionalProperties":false})", Code::Malformed,
       "no finite text"},
      {R"({"type":"array","minItems":100000})", Code::Unsupported, "'minItems' is 100000"},
      {R"({"type":"array","minItems":2,"maxItems":1})", Code::Malformed, "no finite text"},
      {R"({"type":"array","prefixItems":{}})", Code::Malformed, "'prefixItems' must be a list"},
  };
  for (const auto& test : cases) {
    const std::string message = refusal(Grammar::from_json_schema(test.schema), test.code);
    EXPECT_NE(message.find(test.message), std::string::npos) << test.schema << "\n" << message;
  }
}

}  // namespace
}  // namespace verge::text
