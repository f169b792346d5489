#include <string>

#include <gtest/gtest.h>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

TEST(JinjaMethods, ComeBeforeKeysAfterADotOnly) {
  const nlohmann::ordered_json variables = {{"d", {{"items", 1}, {"get", 2}, {"x", 3}}}};
  EXPECT_EQ(
      rendered("{{ d['items'] }}{{ d.x }}{{ d.items() | length }}{{ d.get('get') }}", variables),
      "1332");
}

TEST(JinjaMethods, RefuseWhatMakesNoSense) {
  const std::pair<const char*, const char*> cases[] = {
      {"{{ 'a'.split('') }}", "error at 1:13: split needs a separator that is not empty"},
      {"{{ 'a'.replace('a') }}", "error at 1:15: the argument 'new' is missing"},
      {"{{ 'a'.startswith(1) }}", "error at 1:18: startswith needs a str, not int"},
      {"{{ ','.join([1]) }}", "error at 1:12: join needs a str, not int"},
      {"{{ [1].index(2) }}", "error at 1:13: index: the value is not in the list"},
      {"{{ 'a'.nothing() }}", "error at 1:15: 'nothing' is undefined"},
      {"{{ [1].pop() }}",
       "error at 1:8: 'pop' would change a list; templates run in an immutable sandbox: use + or a "
       "namespace"},
  };
  for (const auto& [source, message] : cases) EXPECT_EQ(rendered(source), message);
}

}  // namespace
}  // namespace verge::text::jinja
