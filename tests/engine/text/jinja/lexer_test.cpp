#include <string>

#include <gtest/gtest.h>

#include <verge/engine/text/jinja/lexer.hpp>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

/// Tokens as a line: T[text] for text, <{ }> <% %> for tags, the text of all others.
std::string shown(std::string_view source) {
  jinja::Run run{Limits{}};
  std::string out;
  for (const Token& token : tokenize(run, source)) {
    const char* fixed[] = {"", "<{", "}>", "<%", "%>"};
    const auto kind = static_cast<size_t>(token.kind);
    if (token.kind == TokenKind::End) break;
    if (!out.empty()) out += ' ';
    out += kind == 0 ? "T[" + token.text + "]" : kind < 5 ? std::string(fixed[kind]) : token.text;
  }
  return out;
}

TEST(JinjaLexer, WhiteSpaceAroundTagsFollowsTheSigns) {
  const std::pair<const char*, const char*> cases[] = {
      {"a {{ b }} c", "T[a ] <{ b }> T[ c]"},
      {"a {{- b -}} c", "T[a] <{ b }> T[c]"},
      {"  {{ b }}\n", "T[  ] <{ b }>"},
      {"a\n  {% b %}\nc", "T[a\n] <% b %> T[c]"},
      {"a\n  {%+ b +%}\nc", "T[a\n  ] <% b %> T[\nc]"},
      {"a  {% b %}  \nc", "T[a  ] <% b %> T[  \nc]"},
      {"a \n {%- b -%} \n c", "T[a] <% b %> T[c]"},
      {"a\n  {# b #}\nc", "T[a\n] T[c]"},
      {"a {#- b -#} c", "T[a] T[c]"},
      {"{% raw %} {{ b }} {%- endraw %}\nc", "T[ {{ b }}] T[c]"},
      {"a\r\nb\rc\n", "T[a\nb\nc]"},
      {"{ a } %} }}", "T[{ a } %} }}]"},
  };
  for (const auto& [source, tokens] : cases) EXPECT_EQ(shown(source), tokens) << source;
}

TEST(JinjaLexer, BracketsHideTheEndOfATag) {
  EXPECT_EQ(shown("{{ {'a': {}} }}"), "<{ { a : { } } }>");
  EXPECT_EQ(shown("{{ {'a': {}}}}"), "<{ { a : { } } }>");
  EXPECT_EQ(shown("{{ a--b//c**-d }}"), "<{ a - - b // c ** - d }>");
}

TEST(JinjaLexer, NumbersAndStrings) {
  EXPECT_EQ(shown("{{ 1_000 1.5 2e3 1.5E-2 1.x }}"), "<{ 1000 1.5 2e3 1.5E-2 1 . x }>");
  EXPECT_EQ(shown(R"({{ 'a\'b' "\x41\u00e9\U0001F389\q" }})"), "<{ a'b Aé🎉\\q }>");
}

TEST(JinjaLexer, ErrorsPointAtTheirPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"a\n {{ b", "error at 2:2: the tag is never closed; write }}"},
      {"{# a", "error at 1:1: the comment is never closed; write #}"},
      {"\n\n{% raw %}", "error at 3:1: raw is never closed; write {% endraw %}"},
      {"{{ 'a", "error at 1:4: the string is never closed; write '"},
      {"{{ (] }}", "error at 1:5: ']' where ')' is expected"},
      {"{{ ) }}", "error at 1:4: ')' closes nothing"},
      {"{{ a é }}", "error at 1:6: unexpected character 'é'"},
      {"{{ '\\UFFFFFFFF' }}", "error at 1:5: \\UFFFFFFFF is no character"},
  };
  for (const auto& [source, message] : cases) EXPECT_EQ(rendered(source), message);
}

}  // namespace
}  // namespace verge::text::jinja
