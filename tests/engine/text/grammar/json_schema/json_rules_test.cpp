#include <string>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/text/grammar/json_schema/json_rules.hpp>
#include <verge/engine/text/grammar/recognizer.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text::grammar {
namespace {

/// The texts of one expression.
class Texts {
 public:
  template <typename Make>
  explicit Texts(Make make) : automaton_(compile(make)) {}
  bool operator()(std::string_view text) const { return matches(automaton_, text); }

 private:
  template <typename Make>
  static Automaton compile(Make make) {
    Rules rules;
    JsonRules json(rules);
    const int32_t root = rules.declare("root");
    rules.define(root, make(json));
    return std::move(Automaton::compile(rules, root)).value();
  }
  Automaton automaton_;
};

TEST(JsonRules, StringsCountCharactersNotBytesOrEscapes) {
  const Texts two([](JsonRules& json) { return json.string(2, 2); });
  for (const char* text :
       {"\"ab\"", "\"😀€\"", "\"\\n\\u0041\"", "\"\\ud83d\\ude00x\"", "\"\\/ \""}) {
    EXPECT_TRUE(two(text)) << text;
  }
  for (const char* text : {"\"a\"", "\"abc\"", "\"\\ud83d\\ude00\"", "\"\\ud83dx\"", "\"a\nb\"",
                           "\"\\q\"", "ab", "\"a\\\""}) {
    EXPECT_FALSE(two(text)) << text;
  }
}

// Each character has exactly the spelling that a writer of JSON gives it.
TEST(JsonRules, EncodedCharactersAreSpelledOnce) {
  const Texts any([](JsonRules& json) { return json.encoded({{0, 0x10FFFF}}); });
  EXPECT_TRUE(any("a") && any("€") && any("/") && any("\x7F"));
  for (const char* text :
       {"\\\"", "\\\\", "\\n", "\\t", "\\b", "\\f", "\\r", "\\u0000", "\\u001f"}) {
    EXPECT_TRUE(any(text)) << text;
  }
  for (const char* text : {"\"", "\\", "\n", "\\/", "\\u0041", "\\u000a", "ab", ""}) {
    EXPECT_FALSE(any(text)) << text;
  }
  const Texts few([](JsonRules& json) { return json.encoded({{'!', '#'}}); });
  EXPECT_TRUE(few("!") && few("\\\"") && few("#"));
  EXPECT_FALSE(few("$") || few("\""));
}

TEST(JsonRules, OtherNamesAreAllButTheNames) {
  const std::vector<std::string> names = {"a", "ab", "b\"", "ü", ""};
  const Texts other([&](JsonRules& json) { return json.string_except(names); });
  for (const char* text : {"\"a\"", "\"ab\"", "\"b\\\"\"", "\"ü\"", "\"\"", "\"\\u0061\"", "abc"}) {
    EXPECT_FALSE(other(text)) << text;
  }
  for (const char* text : {"\"b\"", "\"abc\"", "\"aa\"", "\"b\\\"\\\"\"", "\"üü\"", "\"x\\n\""}) {
    EXPECT_TRUE(other(text)) << text;
  }
}

TEST(JsonRules, ContainersTakeAnyNumberOfParts) {
  const Texts list([](JsonRules& json) { return json.array(json.boolean()); });
  EXPECT_TRUE(list("[]") && list("[true]") && list("[true, false,\n true]"));
  EXPECT_FALSE(list("[true false]") || list("[,true]") || list("[true,]"));
  const Texts object(
      [](JsonRules& json) { return json.object(json.member(json.string(1, 1), json.number())); });
  EXPECT_TRUE(object("{}") && object("{\"a\": 1.5,\"b\":2}"));
  EXPECT_FALSE(object("{\"a\"}") || object("{\"ab\":1}"));
}

}  // namespace
}  // namespace verge::text::grammar
