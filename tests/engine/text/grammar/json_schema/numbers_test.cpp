#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/text/grammar/json_schema/numbers.hpp>
#include <verge/engine/text/grammar/recognizer.hpp>

namespace verge::text::grammar {
namespace {

template <typename Make>
Result<Automaton> texts(Make make) {
  Rules rules;
  const int32_t root = rules.declare("root");
  rules.define(root, make(rules));
  return Automaton::compile(rules, root);
}

bool has(const Result<Automaton>& automaton, const std::string& text) {
  return automaton.ok() && matches(*automaton, text);
}

TEST(Numbers, IntegersAreExactlyThoseOfTheRange) {
  Rng rng(1);
  for (int round = 0; round < 300; ++round) {
    const int64_t scale = std::pow(10, rng.below(5));
    const int64_t least = static_cast<int64_t>(rng.below(240)) * scale / 7 - 100 * scale / 7;
    const int64_t most = least + rng.below(300) * scale / 9;
    const auto range = texts([&](Rules& rules) { return integers(rules, least, most); });
    for (int i = 0; i < 60; ++i) {
      int64_t value =
          least - 20 * scale / 9 + rng.below(static_cast<uint32_t>(400 * scale / 9 + 9));
      if (i < 6) value = (i % 2 == 0 ? least : most) + i / 2 - 1;
      EXPECT_EQ(has(range, std::to_string(value)), least <= value && value <= most)
          << value << " in " << least << " " << most;
    }
    EXPECT_FALSE(has(range, "-0") || has(range, "00") || has(range, "") || has(range, "+1"));
  }
}

TEST(Numbers, IntegersReachTheirLimits) {
  const auto all = texts([](Rules& rules) { return integers(rules, -kMaxInteger, kMaxInteger); });
  EXPECT_TRUE(has(all, "999999999999999999") && has(all, "-999999999999999999") && has(all, "0"));
  EXPECT_FALSE(has(all, "1000000000000000000") || has(all, "01") || has(all, "-"));
  EXPECT_FALSE(texts([](Rules& rules) { return integers(rules, 3, 2); }).ok());
  EXPECT_FALSE(texts([](Rules& rules) { return integers(rules, -2, -3); }).ok());
}

TEST(Numbers, MultiplesAreThoseThatDivide) {
  for (const int64_t divisor : {2, 3, 7, 10, 60, 100}) {
    const auto range = texts([&](Rules& rules) { return multiples(rules, divisor, true); });
    const auto positive = texts([&](Rules& rules) { return multiples(rules, divisor, false); });
    for (int64_t value = -1300; value < 1300; ++value) {
      EXPECT_EQ(has(range, std::to_string(value)), value % divisor == 0) << value << " " << divisor;
      EXPECT_EQ(has(positive, std::to_string(value)), value >= 0 && value % divisor == 0);
    }
    EXPECT_TRUE(has(range, std::to_string(divisor * 1000000000000007)));
    EXPECT_FALSE(has(range, "00") || has(range, "") || has(range, "-0"));
  }
}

std::optional<Bound> random_bound(Rng& rng) {
  if (rng.below(5) == 0) return std::nullopt;
  const double steps[] = {1, 0.5, 0.25, 0.01, 10};
  const double value = (static_cast<int>(rng.below(40)) - 20) * steps[rng.below(5)];
  return Bound{*decimal(std::stod(fmt::format("{:.2f}", value))), rng.below(2) == 0};
}

double value_of(const Decimal& d) {
  const double size = std::stod(d.whole + "." + d.fraction + "0");
  return d.negative ? -size : size;
}

TEST(Numbers, DecimalsAreExactlyThoseOfTheRange) {
  Rng rng(2);
  int inside = 0;
  for (int round = 0; round < 400; ++round) {
    const auto least = random_bound(rng), most = random_bound(rng);
    const auto range = texts([&](Rules& rules) { return decimals(rules, least, most); });
    const double center = least ? value_of(least->value) : most ? value_of(most->value) : 0;
    for (int i = 0; i < 60; ++i) {
      const auto digits = static_cast<int>(rng.below(4));
      const double spread = i < 20 ? 0.02 : i < 40 ? 2 : 50;
      std::string text = fmt::format("{:.{}f}", center + rng.normal() * spread, digits);
      if (i == 0) text = fmt::format("{}", center);
      if (text.starts_with("-0") && text.find_first_not_of("-0.") == std::string::npos) continue;
      const double value = std::stod(text);
      const auto above = [&](double x, const Bound& b) {
        return b.open ? x > value_of(b.value) : x >= value_of(b.value);
      };
      const auto below = [&](double x, const Bound& b) {
        return b.open ? x < value_of(b.value) : x <= value_of(b.value);
      };
      const bool expected = (!least || above(value, *least)) && (!most || below(value, *most));
      inside += expected;
      EXPECT_EQ(has(range, text), expected)
          << text << " in " << (least ? value_of(least->value) : -INFINITY) << " "
          << (most ? value_of(most->value) : INFINITY);
    }
  }
  EXPECT_GT(inside, 3000);
}

TEST(Numbers, DecimalIsTheNumberOrNothing) {
  for (const double value : {0.0, 1.0, -12.5, 0.25, 123456789.0, -0.00001}) {
    ASSERT_TRUE(decimal(value)) << value;
    EXPECT_EQ(value_of(*decimal(value)), value);
  }
  EXPECT_FALSE(decimal(-0.0)->negative);
  for (const double value : {1e-7, 1e10, 1e300, 0.1 + 0.2, double(INFINITY), double(NAN)}) {
    EXPECT_FALSE(decimal(value)) << value;
  }
}

TEST(Numbers, PlacesBehindThePointAreCounted) {
  const auto cents = texts([](Rules& rules) { return decimals_of_places(rules, 2); });
  EXPECT_TRUE(has(cents, "0") && has(cents, "-1.2") && has(cents, "12.34"));
  EXPECT_FALSE(has(cents, "1.234") || has(cents, "1.") || has(cents, "01.2") || has(cents, "1e2"));
}

}  // namespace
}  // namespace verge::text::grammar
