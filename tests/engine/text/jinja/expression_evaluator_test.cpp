#include <string>

#include <gtest/gtest.h>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

TEST(JinjaExpressionEvaluator, OnlyWhatIsNeededIsEvaluated) {
  EXPECT_EQ(rendered("{{ 1 or x.y }}{{ 0 and x.y }}{{ 2 if 1 else x.y }}"), "102");
  EXPECT_EQ(rendered("{% if 1 %}a{% elif x.y %}{% endif %}{{ 2 < 1 < x.y }}"), "aFalse");
}

TEST(JinjaExpressionEvaluator, ErrorsPointAtTheOperatorThatFailed) {
  const std::pair<const char*, const char*> cases[] = {
      {"{{ a.b }}", "error at 1:6: 'a' is undefined, so it has no 'b'"},
      {"{{ (1 +\n 'a') }}", "error at 1:7: + is not possible between int and str"},
      {"{{ 'a'() }}", "error at 1:7: a str cannot be called"},
      {"{{ f(1) }}", "error at 1:5: 'f' is undefined"},
      {"{{ -'a' }}", "error at 1:4: a str has no sign"},
      {"{{ {1: 2} }}", "error at 1:4: a dict's key needs a str, not int"},
  };
  for (const auto& [source, message] : cases) EXPECT_EQ(rendered(source), message);
}

TEST(JinjaExpressionEvaluator, MacrosEvaluateInTheirOwnScope) {
  EXPECT_EQ(rendered("{% macro m(x) %}{{ x }}{% endmacro %}{% set x = 1 %}{{ x ~ m(2) ~ x }}"),
            "121");
}

}  // namespace
}  // namespace verge::text::jinja
