#include <string>

#include <gtest/gtest.h>

#include <verge/engine/text/jinja/predicates.hpp>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

TEST(JinjaPredicates, KindsAreThoseOfPython) {
  jinja::Run run{Limits{}};
  struct Case {
    const char* json;
    const char* kinds;
  };
  const char* names[] = {"boolean", "float",  "integer",  "iterable", "mapping",
                         "none",    "number", "sequence", "string"};
  const Case cases[] = {{"true", "boolean number "},
                        {"1", "integer number "},
                        {"1.5", "float number "},
                        {"\"a\"", "iterable sequence string "},
                        {"[]", "iterable sequence "},
                        {"{}", "iterable mapping sequence "},
                        {"null", "none "}};
  for (const Case& test : cases) {
    std::string kinds;
    for (const char* name : names) {
      if (find_predicate(run, name)(run, json_value(run, test.json), {})) (kinds += name) += ' ';
    }
    EXPECT_EQ(kinds, test.kinds) << test.json;
  }
}

TEST(JinjaPredicates, ComparisonsNeedAnOperand) {
  jinja::Run run{Limits{}};
  for (const char* name : {"eq", "lt", "in", "divisibleby"}) {
    EXPECT_EQ(failure([&] { find_predicate(run, name)(run, int64_t{1}, {}); }),
              "the test needs something to compare with");
  }
  EXPECT_EQ(failure([&] { find_predicate(run, "no"); }), "there is no test 'no'");
}

}  // namespace
}  // namespace verge::text::jinja
