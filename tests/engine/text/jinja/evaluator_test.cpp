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

TEST(JinjaEvaluator, ErrorsPointAtTheStatementThatFailed) {
  const std::pair<const char*, const char*> cases[] = {
      {"{% set a.b = 1 %}", "error at 1:14: 'a' is no namespace, so 'b' cannot be set"},
      {"{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "error at 1:35: m takes 1 arguments, not 2"},
      {"{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", "error at 1:35: m has no parameter 'b'"},
      {"{% for a, b in [[1]] %}{% endfor %}", "error at 1:16: 1 values for 2 variables"},
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
