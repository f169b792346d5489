#include <string>

#include <gtest/gtest.h>

#include <verge/engine/text/jinja/print.hpp>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

TEST(JinjaValue, TruthIsPythons) {
  jinja::Run run{Limits{}};
  for (const char* text : {"null", "false", "0", "0.0", "\"\"", "[]", "{}"}) {
    EXPECT_FALSE(json_value(run, text).truthy()) << text;
  }
  for (const char* text : {"true", "1", "-0.5", "\" \"", "[0]", "{\"a\": 0}"}) {
    EXPECT_TRUE(json_value(run, text).truthy()) << text;
  }
  EXPECT_FALSE(Value().truthy());
}

TEST(JinjaValue, DictsKeepOrderAndFindEveryKey) {
  jinja::Run run{Limits{}};
  for (int count : {3, 100}) {
    std::vector<std::pair<std::string, Value>> entries;
    for (int i = 0; i < count; ++i) entries.emplace_back(std::to_string(count - i), int64_t{i});
    entries.emplace_back("1", int64_t{-1});  // a later one replaces, in place
    const Value dict = Value::dict(run, entries);
    ASSERT_EQ(dict.as_dict().entries.size(), static_cast<size_t>(count));
    EXPECT_EQ(dict.as_dict().entries.back().first, "1");
    EXPECT_EQ(dict.as_dict().find("1")->as_int(), -1);
    EXPECT_EQ(dict.as_dict().find("2")->as_int(), count - 2);
    EXPECT_EQ(dict.as_dict().find("no"), nullptr);
  }
}

TEST(JinjaValue, JsonNumbersKeepTheirKind) {
  jinja::Run run{Limits{}};
  EXPECT_EQ(json_value(run, "-9223372036854775808").kind(), "int");
  EXPECT_EQ(json_value(run, "18446744073709551615").kind(), "float");
  EXPECT_EQ(json_value(run, "1.0").kind(), "float");
  EXPECT_EQ(json_value(run, "true").kind(), "bool");
}

TEST(JinjaValue, NestingIsBounded) {
  jinja::Run run{Limits{}};
  Value value = int64_t{1};
  for (int i = 0; i < kMaxNesting; ++i) value = Value::list(run, {value});
  EXPECT_EQ(failure([&] { Value::list(run, {value}); }), "lists nest deeper than 200");
  EXPECT_EQ(failure([&] { Value::dict(run, {{"a", value}}); }), "dicts nest deeper than 200");
  const std::string json = std::string(1000, '[') + std::string(1000, ']');
  EXPECT_NE(failure([&] { json_value(run, json.c_str()); }), "");
}

TEST(JinjaValue, WhatIsIterated) {
  jinja::Run run{Limits{}};
  const std::pair<const char*, const char*> cases[] = {
      {"[1, 2]", "[1, 2]"}, {"{\"a\": 1, \"b\": 2}", "['a', 'b']"}, {"\"éa\"", "['é', 'a']"}};
  for (const auto& [json, items] : cases) {
    EXPECT_EQ(to_text(run, Value::list(run, items_of(run, json_value(run, json)))), items);
  }
  EXPECT_TRUE(items_of(run, Value()).empty());
  EXPECT_EQ(failure([&] { items_of(run, int64_t{5}); }),
            "a value of type int cannot be iterated over");
}

}  // namespace
}  // namespace verge::text::jinja
