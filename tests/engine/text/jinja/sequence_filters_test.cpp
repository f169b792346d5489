#include <string>

#include <gtest/gtest.h>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

// That they agree with Jinja2 is chat_template_test's snippets; here is what those leave out.
TEST(JinjaSequenceFilters, AttributesMayBePathsWithIndexes) {
  const nlohmann::ordered_json people = {{"people",
                                          {{{"name", {{"first", "B"}}}, {"tags", {"x"}}},
                                           {{"name", {{"first", "a"}}}, {"tags", {"y"}}}}}};
  EXPECT_EQ(rendered("{{ people | map(attribute='name.first') | join }}", people), "Ba");
  EXPECT_EQ(rendered("{{ people | map(attribute='tags.0') | join }}", people), "xy");
  EXPECT_EQ(rendered("{{ (people | sort(attribute='name.first') | first).tags }}", people),
            "['y']");
  EXPECT_EQ(rendered("{{ (people | max(attribute='name.first')).tags }}", people), "['x']");
}

TEST(JinjaSequenceFilters, SortIsStable) {
  EXPECT_EQ(rendered("{{ ['b1', 'B0', 'a', 'b0'] | map('first') | sort | join }}"), "abBb");
  EXPECT_EQ(rendered("{{ ['b', 'B', 'a'] | sort(reverse=true) | join }}"), "bBa");
}

TEST(JinjaSequenceFilters, RefuseWhatMakesNoSense) {
  const std::pair<const char*, const char*> cases[] = {
      {"{{ 5 | length }}", "error at 1:8: a int has no length"},
      {"{{ [1] | map }}", "error at 1:10: map needs a filter's name or attribute="},
      {"{{ [1] | selectattr }}", "error at 1:10: the attribute's name is missing"},
      {"{{ [1] | select('no') }}", "error at 1:10: there is no test 'no'"},
      {"{{ {} | dictsort(by='x') }}", "error at 1:9: dictsort: by is x; use key or value"},
      {"{{ 5 | items }}", "error at 1:8: items needs a dict, not int"},
  };
  for (const auto& [source, message] : cases) EXPECT_EQ(rendered(source), message);
}

}  // namespace
}  // namespace verge::text::jinja
