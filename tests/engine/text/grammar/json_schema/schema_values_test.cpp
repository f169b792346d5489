#include <string>

#include "../grammars.hpp"

namespace verge::text {
namespace {

TEST(SchemaValues, HoldsBoundsOfEveryKind) {
  const struct {
    const char* schema;
    std::initializer_list<const char*> yes, no;
  } cases[] = {
      {R"({"type":"string","minLength":2,"maxLength":3})",
       {"\"ab\"", "\"€ü😀\"", "\"a\\n\"", "\"\\ud83d\\ude00a\""},
       {"\"a\"", "\"abcd\"", "\"\\ud83d\\ude00\""}},
      {R"({"type":"string","maxLength":0})", {"\"\""}, {"\"a\""}},
      {R"({"type":"string","pattern":"^a+$","minLength":1})", {"\"aa\""}, {"\"\"", "\"b\""}},
      {R"({"type":"string","format":"date"})", {"\"2024-02-29\""}, {"\"2023-02-29\"", "\"x\""}},
      {R"({"type":"integer"})", {"0", "-17", "999999999999999999"}, {"1.0", "01", "+1", "1e3"}},
      {R"({"type":"integer","minimum":-2,"maximum":10})", {"-2", "0", "10"}, {"-3", "11", "-0"}},
      {R"({"type":"integer","exclusiveMinimum":0,"exclusiveMaximum":3})", {"1", "2"}, {"0", "3"}},
      {R"({"type":"integer","minimum":0.5,"maximum":2.5})", {"1", "2"}, {"0", "3"}},
      {R"({"type":"integer","minimum":0,"exclusiveMinimum":true})", {"1"}, {"0"}},
      {R"({"type":"integer","maximum":9223372036854775807,"minimum":0})", {"0", "77"}, {"-1"}},
      {R"({"type":"integer","maximum":1e300})", {"5", "-5"}, {}},
      {R"({"type":"integer","multipleOf":7})", {"0", "7", "-14", "7000000000000007"}, {"8", "00"}},
      {R"({"type":"integer","multipleOf":5,"minimum":0})", {"0", "25"}, {"-5", "7"}},
      {R"({"type":"integer","multipleOf":500,"minimum":-600,"maximum":1200})",
       {"-500", "0", "500", "1000"},
       {"1500", "250", "-1000"}},
      {R"({"type":"number"})", {"1", "-1.5", "1e10", "0.001", "2E-9"}, {"1.", "1e100", "NaN"}},
      {R"({"type":"number","minimum":0,"maximum":1})",
       {"0", "0.5", "1", "1.0", "0.0"},
       {"1.1", "-0.1", "2"}},
      {R"({"type":"number","exclusiveMinimum":0})", {"0.001", "1", "12345.5"}, {"0", "0.0", "-1"}},
      {R"({"type":"number","minimum":-2.5,"exclusiveMaximum":-0.25})",
       {"-2.5", "-1", "-0.26"},
       {"-2.6", "-0.25", "-0.2", "0", "1"}},
      {R"({"type":"number","multipleOf":0.01})", {"1.25", "3", "-0.1"}, {"1.255", "1e2"}},
      {R"({"type":"number","multipleOf":5})", {"5", "-10"}, {"3", "5.5"}},
  };
  for (const auto& test : cases) expect_texts(*schema(test.schema), test.yes, test.no, test.schema);
}

TEST(SchemaValues, RefusesWhatDigitsCannotSay) {
  const struct {
    const char* schema;
    Code code;
    const char* message;
  } cases[] = {
      {R"({"type":"string","minLength":-1})", Code::Malformed, "'minLength' must be a count"},
      {R"({"type":"string","minLength":"1"})", Code::Malformed, "'minLength' must be a count"},
      {R"({"type":"string","minLength":10001})", Code::Unsupported, "at most 10000 can be held"},
      {R"({"type":"string","pattern":"^a*$","maxLength":3})", Code::Unsupported,
       "'maxLength' beside 'pattern' cannot be held"},
      {R"({"type":"string","pattern":"(?=a)b"})", Code::Unsupported, "look-around"},
      {R"({"type":"string","pattern":"(a"})", Code::Malformed, "no closing ')'"},
      {R"({"type":"string","pattern":3})", Code::Malformed, "'pattern' must be a string"},
      {R"({"type":"string","format":"uri"})", Code::Unsupported, "'format' is \"uri\"; known are"},
      {R"({"type":"string","format":"date","pattern":"a"})", Code::Unsupported, "'format' beside"},
      {R"({"type":"integer","minimum":"1"})", Code::Malformed, "'minimum' must be a number"},
      {R"({"type":"integer","multipleOf":0})", Code::Malformed, "'multipleOf' must be a number"},
      {R"({"type":"integer","multipleOf":2.5})", Code::Unsupported, "use a whole number"},
      {R"({"type":"integer","multipleOf":101})", Code::Unsupported, "without bounds at most 100"},
      {R"({"type":"integer","multipleOf":2,"maximum":1000000})", Code::Unsupported,
       "values within the bounds"},
      {R"({"type":"number","minimum":1e-9})", Code::Unsupported, "'minimum' is 1e-09"},
      {R"({"type":"number","maximum":1e12})", Code::Unsupported, "at most 9 digits before"},
      {R"({"type":"number","multipleOf":0.3})", Code::Unsupported, "'multipleOf' is 0.3"},
      {R"({"type":"integer","minimum":3,"maximum":2})", Code::Malformed, "no finite text"},
      {R"({"type":"string","minLength":3,"maxLength":2})", Code::Malformed, "no finite text"},
  };
  for (const auto& test : cases) {
    const std::string message = refusal(Grammar::from_json_schema(test.schema), test.code);
    EXPECT_NE(message.find(test.message), std::string::npos) << test.schema << "\n" << message;
  }
}

}  // namespace
}  // namespace verge::text
