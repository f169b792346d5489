#include <string>

#include <gtest/gtest.h>

#include <verge/engine/text/jinja/filters.hpp>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

TEST(JinjaFilters, AreFoundInBothFamilies) {
  jinja::Run run{Limits{}};
  for (const char* name : {"trim", "tojson", "join", "selectattr"}) {
    EXPECT_NE(find_filter(run, name), nullptr) << name;
  }
  EXPECT_EQ(failure([&] { find_filter(run, "no"); }), "there is no filter 'no'");
}

TEST(JinjaFilters, ArgumentsComeByPlaceOrByName) {
  jinja::Run run{Limits{}};
  const Arguments arguments = {{Value(int64_t{7})}, {{"b", Value("x")}, {"c", Value(true)}}};
  EXPECT_EQ(integer(run, arguments, 0, "a", 1), 7);
  EXPECT_EQ(integer(run, arguments, 1, "d", 1), 1);
  EXPECT_EQ(text_argument(run, arguments, 1, "b", "y"), "x");
  EXPECT_EQ(text_argument(run, arguments, 1, "d", "y"), "y");
  EXPECT_TRUE(flag(arguments, 2, "c"));
  EXPECT_FALSE(flag(arguments, 2, "d"));
  EXPECT_EQ(failure([&] { integer(run, arguments, 1, "b", 1); }), "b needs an int, not str");
}

}  // namespace
}  // namespace verge::text::jinja
