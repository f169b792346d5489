#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include <verge/engine/text/jinja/operators.hpp>
#include <verge/engine/text/jinja/print.hpp>

#include "jinja_harness.hpp"

namespace verge::text::jinja {
namespace {

constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();

TEST(JinjaOperators, DivisionRoundsDownAndTheRestHasTheDivisorsSign) {
  jinja::Run run{Limits{}};
  for (int64_t a = -7; a <= 7; ++a) {
    for (int64_t b : {-3, -2, -1, 1, 2, 3}) {
      const int64_t quotient = floor_divide(run, a, b).as_int(), rest = modulo(run, a, b).as_int();
      EXPECT_EQ(quotient * b + rest, a);
      EXPECT_TRUE(rest == 0 || (rest < 0) == (b < 0)) << a << " " << b;
      EXPECT_LT(std::abs(rest), std::abs(b));
    }
  }
}

TEST(JinjaOperators, OverflowIsAnError) {
  jinja::Run run{Limits{}};
  const int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(failure([&] { add(run, most, int64_t{1}); }), "integer overflow");
  EXPECT_EQ(failure([&] { subtract(run, kLowest, int64_t{1}); }), "integer overflow");
  EXPECT_EQ(failure([&] { multiply(run, most, int64_t{2}); }), "integer overflow");
  EXPECT_EQ(failure([&] { power(run, int64_t{10}, int64_t{19}); }), "integer overflow");
  EXPECT_EQ(failure([&] { negate(run, kLowest); }), "integer overflow");
  EXPECT_EQ(failure([&] { floor_divide(run, kLowest, int64_t{-1}); }), "integer overflow");
  EXPECT_EQ(modulo(run, kLowest, int64_t{-1}).as_int(), 0);
  EXPECT_EQ(power(run, int64_t{-1}, most).as_int(), -1);
}

// Python's own definition, an item at a time.
std::string plain_slice(const std::string& text, const SliceBounds& bounds) {
  const int64_t size = static_cast<int64_t>(text.size()), step = bounds.step.value_or(1);
  const auto clip = [&](int64_t at, int64_t low, int64_t high) {
    return std::max(low, std::min(high, at < 0 ? at + size : at));
  };
  const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  int64_t at = bounds.start ? clip(*bounds.start, low, high) : step > 0 ? low : high;
  const int64_t stop = bounds.stop ? clip(*bounds.stop, low, high) : step > 0 ? high : low;
  std::string out;
  for (; step > 0 ? at < stop : at > stop; at += step) out += text[at];
  return out;
}

TEST(JinjaOperators, SlicesAgreeWithTheDefinition) {
  jinja::Run run{Limits{}};
  std::vector<std::optional<int64_t>> bounds = {std::nullopt};
  for (int64_t i = -6; i <= 6; ++i) bounds.push_back(i);
  for (const std::string text : {"", "a", "abcd"}) {
    for (const auto& start : bounds) {
      for (const auto& stop : bounds) {
        for (const auto& step : bounds) {
          if (step == 0) continue;
          const SliceBounds all = {start, stop, step};
          EXPECT_EQ(slice(run, text, all).as_string(), plain_slice(text, all));
        }
      }
    }
  }
  EXPECT_EQ(slice(run, "abc", {{}, {}, kLowest}).as_string(), "c");
  EXPECT_EQ(failure([&] { slice(run, "abc", {{}, {}, 0}); }), "a slice's step cannot be zero");
}

TEST(JinjaOperators, TypesThatDoNotFitAreNamed) {
  jinja::Run run{Limits{}};
  const Value none = None{}, text = "a", number = int64_t{1}, missing = Value::undefined("x");
  EXPECT_EQ(failure([&] { add(run, text, number); }), "+ is not possible between str and int");
  EXPECT_EQ(failure([&] { less(run, none, number); }),
            "ordering is not possible between none and int");
  EXPECT_EQ(failure([&] { add(run, missing, text); }), "'x' is undefined");
  EXPECT_EQ(failure([&] { contains(run, number, text); }),
            "'in' is not possible between str and int");
  EXPECT_EQ(failure([&] { item(run, missing, number); }), "'x' is undefined");
}

TEST(JinjaOperators, EqualityIsDeepAndOrderIsLexical) {
  jinja::Run run{Limits{}};
  const auto value = [&](const char* json) { return json_value(run, json); };
  EXPECT_TRUE(equal(run, value("[1, {\"a\": [2.0]}]"), value("[1.0, {\"a\": [2]}]")));
  EXPECT_TRUE(equal(run, value("{\"a\": 1, \"b\": 2}"), value("{\"b\": 2, \"a\": 1}")));
  EXPECT_FALSE(equal(run, value("[1]"), value("[1, 2]")));
  EXPECT_FALSE(equal(run, value("\"1\""), value("1")));
  EXPECT_TRUE(less(run, value("[1, 2]"), value("[1, 3]")));
  EXPECT_TRUE(less(run, value("[1]"), value("[1, 0]")));
  EXPECT_FALSE(less(run, value("\"b\""), value("\"a\"")));
}

}  // namespace
}  // namespace verge::text::jinja
