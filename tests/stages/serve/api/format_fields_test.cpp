#include <verge/stages/serve/api/format_fields.hpp>

#include "reading.hpp"

namespace verge::serve::api {
namespace {

TEST(FormatFields, FormatsOfOtherServersAreTaken) {
  using Kind = OutputFormat::Kind;
  const std::pair<std::string, Kind> cases[] = {
      {R"("response_format":{"type":"text"})", Kind::Text},
      {R"("response_format":null)", Kind::Text},
      {R"("response_format":{"type":"json_object"})", Kind::JsonObject},
      {R"("response_format":{"type":"json_object","schema":{"type":"object"}})", Kind::JsonSchema},
      {R"("response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,
          "schema":{"type":"object"}}})",
       Kind::JsonSchema},
      {R"("guided_json":{"type":"object"})", Kind::JsonSchema},
      {R"("guided_json":"{\"type\":\"object\"}")", Kind::JsonSchema},
      {R"("grammar":"root ::= \"a\"")", Kind::Gbnf},
      {R"("guided_grammar":"root ::= \"a\"")", Kind::Gbnf},
      {R"("grammar":"")", Kind::Text},
      {R"("json_schema":{"type":"object"})", Kind::JsonSchema},
      {R"("guided_json_object":true)", Kind::JsonObject},
      {R"("guided_regex":"a+")", Kind::Regex},
      {R"("guided_choice":["a","b"])", Kind::Gbnf},
      {R"("structured_outputs":{"json":{"type":"object"}})", Kind::JsonSchema},
      {R"("structured_outputs":{"regex":"a+"})", Kind::Regex},
      {R"("structured_outputs":{"choice":["a"]})", Kind::Gbnf},
      {R"("structured_outputs":{"grammar":"root ::= \"a\""})", Kind::Gbnf},
      {R"("structured_outputs":{"json_object":true})", Kind::JsonObject}};
  for (const auto& [fields, kind] : cases) EXPECT_EQ(chat(fields).format.kind, kind) << fields;
}

TEST(FormatFields, FormatsThatAreNoneAreNamed) {
  const std::pair<std::string, const char*> cases[] = {
      {R"("response_format":"json")", "response_format"},
      {R"("response_format":{})", "response_format.type"},
      {R"("response_format":{"type":"xml"})", "response_format.type"},
      {R"("response_format":{"type":"json_schema"})", "response_format.json_schema"},
      {R"("response_format":{"type":"json_schema","json_schema":{"name":"n"}})",
       "response_format.json_schema"},
      {R"("response_format":{"type":"json_schema","json_schema":{"schema":7}})",
       "response_format.json_schema.schema"},
      {R"("guided_json":"{")", "guided_json"},
      {R"("guided_choice":[])", "guided_choice"},
      {R"("guided_choice":[1])", "guided_choice"},
      {R"("guided_regex":7)", "guided_regex"},
      {R"("json_schema":"{")", "json_schema"},
      {R"("guided_whitespace_pattern":" ?")", "guided_whitespace_pattern"},
      {R"("structured_outputs":{"structural_tag":"x"})", "structured_outputs.structural_tag"},
      {R"("structured_outputs":{"disable_any_whitespace":true})",
       "structured_outputs.disable_any_whitespace"},
      {R"("structured_outputs":{"regx":"a"})", "structured_outputs.regx"}};
  for (const auto& [fields, param] : cases) EXPECT_EQ(chat_refusal(fields).param, param) << fields;
}

TEST(FormatFields, TwoConstraintsAreRefused) {
  const std::string one = R"("guided_regex":"a")";
  for (const char* other :
       {R"("guided_choice":["a"])", R"("structured_outputs":{"regex":"b"})",
        R"("response_format":{"type":"json_object"})", R"("grammar":"root ::= \"a\"")"}) {
    EXPECT_NE(chat_refusal(one + "," + other).message.find("both"), std::string::npos) << other;
  }
  chat(one + R"(,"response_format":{"type":"text"},"grammar":null)");
}

}  // namespace
}  // namespace verge::serve::api
