#include <limits>
#include <string>

#include <gtest/gtest.h>

#include <verge/engine/text/jinja/print.hpp>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

TEST(JinjaPrint, FloatsPrintAsPythonPrintsThem) {
  jinja::Run run{Limits{}};
  const std::pair<double, const char*> cases[] = {{1, "1.0"},
                                                  {-0.0, "-0.0"},
                                                  {0.1, "0.1"},
                                                  {1e15, "1000000000000000.0"},
                                                  {1e16, "1e+16"},
                                                  {1e-4, "0.0001"},
                                                  {1.5e-5, "1.5e-05"},
                                                  {1e100, "1e+100"},
                                                  {2.5e-310, "2.5e-310"},
                                                  {1.0 / 3, "0.3333333333333333"},
                                                  {1e22, "1e+22"}};
  for (const auto& [value, text] : cases) {
    EXPECT_EQ(to_text(run, value), text);
    EXPECT_EQ(to_json(run, value), text);
  }
  EXPECT_EQ(to_text(run, std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(to_json(run, -std::numeric_limits<double>::infinity()), "-Infinity");
}

TEST(JinjaPrint, ReprQuotesAsPythonDoes) {
  jinja::Run run{Limits{}};
  const std::pair<const char*, const char*> cases[] = {{"it's", "\"it's\""},
                                                       {"a\"b", "'a\"b'"},
                                                       {"'\"", "'\\'\"'"},
                                                       {"\\\n\t", "'\\\\\\n\\t'"},
                                                       {"é\x01\x7f", "'é\\x01\\x7f'"}};
  for (const auto& [text, repr] : cases) EXPECT_EQ(to_repr(run, Value(text)), repr);
}

TEST(JinjaPrint, JsonStyles) {
  jinja::Run run{Limits{}};
  const Value value = json_value(run, R"({"b": [1, {}], "a": [], "c": "é\u0001\"/"})");
  EXPECT_EQ(to_json(run, value), R"({"b": [1, {}], "a": [], "c": "é\u0001\"/"})");
  EXPECT_EQ(to_json(run, value, {{}, ",", ":", true}), R"({"a":[],"b":[1,{}],"c":"é\u0001\"/"})");
  EXPECT_EQ(to_json(run, value, {" ", ",", ": ", false}),
            "{\n \"b\": [\n  1,\n  {}\n ],\n \"a\": [],\n \"c\": \"é\\u0001\\\"/\"\n}");
}

TEST(JinjaPrint, WhatIsNoDataIsNoJson) {
  jinja::Run run{Limits{}};
  EXPECT_EQ(failure([&] { to_json(run, Value::undefined("x")); }), "tojson: 'x' is undefined");
  EXPECT_EQ(failure([&] { to_json(run, std::make_shared<Namespace>()); }),
            "tojson cannot write a namespace");
}

}  // namespace
}  // namespace verge::text::jinja
