#include <string>

#include <gtest/gtest.h>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

TEST(JinjaEvaluator, ScopesAreThoseOfLoopsAndMacros) {
  const std::pair<const char*, const char*> cases[] = {
      {"{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "231"},
      {"{% if 1 %}{% set x = 2 %}{% endif %}{{ x }}", "2"},
      {"{% with x = 1 %}{% set y = 2 %}{% endwith %}{{ x }}{{ y }}", ""},
      {"{% set s %}{% set x = 1 %}{{ x }}{% endset %}{{ s }}{{ x }}", "1"},
      {"{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{% set x = 2 %}{{ m() }}",
       "12"},
      {"{% for x in [1] %}{% for x in [2] %}{{ x }}{% endfor %}{{ x }}{% endfor %}{{ x }}", "21"},
  };
  for (const auto& [source, text] : cases) EXPECT_EQ(rendered(source), text) << source;
}

TEST(JinjaEvaluator, OnlyWhatIsNeededIsEvaluated) {
  EXPECT_EQ(rendered("{{ 1 or x.y }}{{ 0 and x.y }}{{ 2 if 1 else x.y }}"), "102");
  EXPECT_EQ(rendered("{% if 1 %}a{% elif x.y %}{% endif %}{{ 2 < 1 < x.y }}"), "aFalse");
}

TEST(JinjaEvaluator, ErrorsPointAtTheOperatorThatFailed) {
  const std::pair<const char*, const char*> cases[] = {
      {"{{ a.b }}", "error at 1:6: 'a' is undefined, so it has no 'b'"},
      {"{{ (1 +\n 'a') }}", "error at 1:7: + is not possible between int and str"},
      {"{{ 'a'() }}", "error at 1:7: a str cannot be called"},
      {"{{ f(1) }}", "error at 1:5: 'f' is undefined"},
      {"{{ -'a' }}", "error at 1:4: a str has no sign"},
      {"{% set a.b = 1 %}", "error at 1:14: 'a' is no namespace, so 'b' cannot be set"},
      {"{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "error at 1:35: m takes 1 arguments, not 2"},
      {"{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", "error at 1:35: m has no parameter 'b'"},
      {"{% for a, b in [[1]] %}{% endfor %}", "error at 1:16: 1 values for 2 variables"},
      {"{{ {1: 2} }}", "error at 1:4: a dict's key needs a str, not int"},
  };
  for (const auto& [source, message] : cases) EXPECT_EQ(rendered(source), message);
}

TEST(JinjaEvaluator, EveryLimitEndsTheRun) {
  struct Case {
    const char* source;
    Limits limits;
    const char* message;
  };
  const Case cases[] = {
      {"{% for i in range(99) %}{% endfor %}", {.max_steps = 100}, "takes more than 100 steps"},
      {"{{ 'ab' * 60 }}", {.max_bytes = 100}, "makes more than 100 bytes"},
      {"{{ 'ab' * 60 }}", {.max_output_bytes = 100}, "writes more than 100 bytes"},
      {"{{ ((((((((((1)))))))))) }}", {.max_depth = 8}, "nests deeper than 8"},
      {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", {}, "nests deeper than 400"},
  };
  for (const Case& test : cases) {
    const std::string found = rendered(test.source, {}, test.limits);
    EXPECT_NE(found.find(test.message), std::string::npos) << found;
  }
}

}  // namespace
}  // namespace verge::text::jinja
