#include <string>

#include <gtest/gtest.h>

#include <verge/engine/text/jinja/globals.hpp>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

std::string at_time(int64_t now_unix_s, std::string_view source) {
  jinja::Run run{Limits{}};
  return evaluate(run, parse(run, source), {}, now_unix_s);
}

TEST(JinjaGlobals, TimeIsTheOneGiven) {
  EXPECT_EQ(at_time(0, "{{ strftime_now('%Y-%m-%d %H:%M:%S %a %-d') }}"),
            "1970-01-01 00:00:00 Thu 1");
  EXPECT_EQ(at_time(951782400, "{{ strftime_now('%d %b %Y, %%') }}"), "29 Feb 2000, %");
  for (const char* format : {"%", "%Q", "%-", "%Z", "%5Y"}) {
    EXPECT_NE(failure([&] { at_time(0, fmt::format("{{{{ strftime_now('{}') }}}}", format)); }),
              "");
  }
  EXPECT_NE(failure([] { at_time(INT64_MAX, "{{ strftime_now('%Y') }}"); }), "");
}

TEST(JinjaGlobals, RangeEndsWhereNumbersEnd) {
  EXPECT_EQ(rendered("{{ range(9223372036854775806, 9223372036854775807, 5) | list }}"),
            "[9223372036854775806]");
  EXPECT_EQ(rendered("{{ range(3, 0) | list }}{{ range(0, 3, -1) | list }}"), "[][]");
  EXPECT_EQ(rendered("{{ range() }}"), "error at 1:9: range takes one to three numbers, not 0");
  EXPECT_EQ(rendered("{{ range('a') }}"), "error at 1:9: range needs an int, not str");
}

TEST(JinjaGlobals, RaiseExceptionCarriesItsMessage) {
  EXPECT_EQ(rendered("{{ raise_exception('no {} here') }}"), "error at 1:19: no {} here");
  EXPECT_EQ(rendered("{{ raise_exception() }}"),
            "error at 1:19: the template refuses this conversation");
}

}  // namespace
}  // namespace verge::text::jinja
