#include <string>

#include <gtest/gtest.h>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

// That they agree with Jinja2 is chat_template_test's snippets; here is what those leave out.
TEST(JinjaTextFilters, RefuseWhatMakesNoSense) {
  const std::pair<const char*, const char*> cases[] = {
      {"{{ 'a' | abs }}", "error at 1:10: abs needs a number, not str"},
      {"{{ 'a' | round }}", "error at 1:10: round needs a number, not str"},
      {"{{ 1 | round(0, 'up') }}", "error at 1:8: round: method is up; use common, ceil or floor"},
      {"{{ 1 | round(999) }}", "error at 1:8: round: precision is 999; use -300 to 300"},
      {"{{ '1' | int(0, 99) }}", "error at 1:10: int: base is 99; use 2 to 36"},
      {"{{ 'a' | replace('a') }}", "error at 1:10: replace needs what to replace, and by what"},
      {"{{ 'a' | trim(1) }}", "error at 1:10: trim needs a str, not int"},
      {"{{ 1 | tojson(separators=[1]) }}",
       "error at 1:8: tojson: separators is not a pair of texts"},
      {"{{ 1 | tojson(true) }}", "error at 1:8: tojson writes UTF-8; ensure_ascii is unknown"},
  };
  for (const auto& [source, message] : cases) EXPECT_EQ(rendered(source), message);
}

TEST(JinjaTextFilters, NumbersOutOfRangeBecomeTheDefault) {
  EXPECT_EQ(rendered("{{ 1e300 | int(5) }} {{ '99999999999999999999' | int }} {{ none | int(3) }}"),
            "5 0 3");
  EXPECT_EQ(rendered("{{ '1e3' | float }} {{ '' | float }} {{ 'x' | float(2.5) }}"),
            "1000.0 0.0 2.5");
}

}  // namespace
}  // namespace verge::text::jinja
