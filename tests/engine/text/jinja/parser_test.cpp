#include <string>

#include <gtest/gtest.h>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

TEST(JinjaParser, EveryStatementHasItsNode) {
  jinja::Run run{Limits{}};
  const Block block =
      parse(run,
            "text{{ a }}{% if a %}{% elif b %}{% else %}{% endif %}"
            "{% for x, y in a if b %}{{ loop.index }}{% else %}{% endfor %}"
            "{% set a.b = 1 %}{% filter trim | upper %}{% endfilter %}"
            "{% with a = 1, b = 2 %}{% endwith %}{% macro m(a, b=1) %}{% endmacro %}");
  ASSERT_EQ(block.size(), 8u);
  for (size_t i = 0; i < block.size(); ++i) EXPECT_EQ(block[i].node.index(), i);
  EXPECT_EQ(std::get<If>(block[2].node).branches.size(), 3u);
  const For& loop = std::get<For>(block[3].node);
  EXPECT_EQ(loop.targets, (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(loop.filter && loop.reads_loop);
  EXPECT_EQ(std::get<Set>(block[4].node).attribute, "b");
  EXPECT_EQ(std::get<Macro>(block[7].node).defaults.size(), 1u);
}

TEST(JinjaParser, ErrorsSayWhereAndWhat) {
  const std::pair<const char*, const char*> cases[] = {
      {"{% if a %}\nb", "error at 2:2: expected {% endif %}, found 'the end of the template'"},
      {"{% endfor %}", "error at 1:1: there is no tag 'endfor' that could stand here"},
      {"{% if %}", "error at 1:7: expected an expression, found '%}'"},
      {"{% for x of y %}", "error at 1:10: expected in, found 'of'"},
      {"{% for x in y recursive %}{% endfor %}",
       "error at 1:13: recursive loops are not supported"},
      {"{% break %}", "error at 1:1: break and continue belong inside a for loop"},
      {"{% for x in y %}{% macro m() %}{% continue %}{% endmacro %}{% endfor %}",
       "error at 1:32: break and continue belong inside a for loop"},
      {"{% import 'a' as b %}",
       "error at 1:1: 'import' needs other templates, and a model's file holds only this one"},
      {"{% macro m(a=1, b) %}{% endmacro %}",
       "error at 1:18: expected a default, as the parameter before has one, found ')'"},
      {"{% set 5 = a %}", "error at 1:8: expected a variable's name, found '5'"},
      {"{% 5 %}", "error at 1:4: expected a tag's name, found '5'"},
      {"{% else %}", "error at 1:1: there is no tag 'else' that could stand here"},
  };
  for (const auto& [source, message] : cases) EXPECT_EQ(rendered(source), message);
}

}  // namespace
}  // namespace verge::text::jinja
