#include <algorithm>
#include <cmath>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <verge/engine/text/grammar/json_schema/numbers.hpp>

namespace verge::text::grammar {
namespace {

constexpr size_t kMaxWhole = 16;
// Numbers of at most 15 digits are told apart by doubles, so that no reader rounds one onto an
// open bound: 9 before the point of a bound, 6 behind that of a number.
constexpr size_t kMaxBoundWhole = 9;
constexpr size_t kMaxFraction = 6;

Node digit(Rules& rules, char first = '0', char last = '9') {
  return rules.one_of({{static_cast<char32_t>(first), static_cast<char32_t>(last)}});
}

Node digits(Rules& rules, size_t least, size_t most) {
  return rules.repeat(digit(rules), static_cast<int64_t>(least), static_cast<int64_t>(most));
}

bool is_all(std::string_view text, char c) {
  return text.find_first_not_of(c) == std::string_view::npos;
}

/// Digit strings as long as both, from `least` to `most`; an empty view is no bound on that side.
Node same_length(Rules& rules, std::string_view least, std::string_view most, size_t length) {
  if (is_all(least, '0')) least = {};
  if (is_all(most, '9')) most = {};
  if (length == 0) return rules.empty();
  if (least.empty() && most.empty()) return digits(rules, length, length);
  const char low = least.empty() ? '0' : least[0];
  const char high = most.empty() ? '9' : most[0];
  const auto rest = [](std::string_view text) { return text.empty() ? text : text.substr(1); };
  if (low == high) {
    return rules.sequence(
        {digit(rules, low, low), same_length(rules, rest(least), rest(most), length - 1)});
  }
  std::vector<Node> ways;
  char first = low, last = high;
  if (!is_all(rest(least), '0')) {
    ways.push_back(
        rules.sequence({digit(rules, low, low), same_length(rules, rest(least), {}, length - 1)}));
    ++first;
  }
  if (!is_all(rest(most), '9')) {
    ways.push_back(
        rules.sequence({digit(rules, high, high), same_length(rules, {}, rest(most), length - 1)}));
    --last;
  }
  if (first <= last) {
    ways.push_back(
        rules.sequence({digit(rules, first, last), digits(rules, length - 1, length - 1)}));
  }
  return rules.choice(std::move(ways));
}

/// Integers from `least` to `most`, both written without leading zeros and not negative.
Node naturals(Rules& rules, const std::string& least, const std::string& most) {
  std::vector<Node> ways;
  for (size_t length = least.size(); length <= most.size(); ++length) {
    std::string smallest(length, '0');
    if (length > 1) smallest[0] = '1';
    const std::string largest(length, '9');
    const std::string& from = length == least.size() ? least : smallest;
    const std::string& to = length == most.size() ? most : largest;
    if (from <= to) ways.push_back(same_length(rules, from, to, length));
  }
  return ways.empty() ? rules.never() : rules.choice(std::move(ways));
}

std::string plus(std::string whole, int step) {
  return std::to_string(std::stoll(whole) + step);
}

/// The digits of a fraction that are still to come, against those of its bounds.
struct Fraction {
  std::optional<std::string_view> least;  // absent: any
  bool least_open = false;
  std::optional<std::string_view> most;
  bool most_open = false;

  // Whether no further digits, which are zeros, are within.
  bool may_end() const {
    const bool above = !least || (least->empty() && !least_open);
    const bool below = !most || !most->empty() || !most_open;
    return above && below;
  }
};

Node fraction_digits(Rules& rules, Fraction now, size_t budget, bool first) {
  if (now.least && now.least->empty() && !now.least_open) now.least.reset();
  if (!now.least && !now.most) return digits(rules, first ? 1 : 0, budget);
  std::vector<Node> ways;
  if (!first && now.may_end()) ways.push_back(rules.empty());
  const auto head = [](const std::optional<std::string_view>& bound, char otherwise) {
    if (!bound) return otherwise;
    return bound->empty() ? '0' : (*bound)[0];
  };
  const auto tail = [](const std::optional<std::string_view>& bound) {
    return bound->empty() ? *bound : bound->substr(1);
  };
  const char low = head(now.least, '0'), high = head(now.most, '9');
  for (char d = low; budget > 0 && d <= high; ++d) {
    Fraction next = now;
    if (now.least) next.least = tail(now.least);
    if (now.most) next.most = tail(now.most);
    if (d > low) next.least.reset();
    if (d < high) next.most.reset();
    const char last = !next.least && !next.most ? (now.most ? char(high - 1) : '9') : d;
    const bool empty_range = next.most && next.most->empty() && next.most_open;
    if (!empty_range) {
      ways.push_back(
          rules.sequence({digit(rules, d, last), fraction_digits(rules, next, budget - 1, false)}));
    }
    d = last;
  }
  return ways.empty() ? rules.never() : rules.choice(std::move(ways));
}

Node fraction(Rules& rules, const Fraction& bounds) {
  const Node some =
      rules.sequence({rules.literal("."), fraction_digits(rules, bounds, kMaxFraction, true)});
  return bounds.may_end() ? rules.optional(some) : some;
}

bool is_zero(const Decimal& value) {
  return value.whole == "0" && value.fraction.empty();
}

/// Not negative; `most` absent: up to kMaxWhole digits.
Node positives(Rules& rules, const Bound& least, const std::optional<Bound>& most) {
  const Decimal& from = least.value;
  const Node low = rules.literal(from.whole);
  if (most && most->value.whole == from.whole) {
    return rules.sequence(
        {low, fraction(rules, {from.fraction, least.open, most->value.fraction, most->open})});
  }
  std::vector<Node> ways;
  ways.push_back(rules.sequence({low, fraction(rules, {from.fraction, least.open, {}, false})}));
  std::string last(kMaxWhole, '9');
  if (most) {
    last = plus(most->value.whole, -1);
    ways.push_back(
        rules.sequence({rules.literal(most->value.whole),
                        fraction(rules, {{}, false, most->value.fraction, most->open})}));
  }
  const std::string next = plus(from.whole, 1);
  if (std::pair(next.size(), next) <= std::pair(last.size(), last)) {
    ways.push_back(rules.sequence({naturals(rules, next, last), fraction(rules, {})}));
  }
  return rules.choice(std::move(ways));
}

// By length, then digit by digit.
bool is_above(const Bound& a, const Bound& b) {
  const auto key = [](const Decimal& d) { return std::tuple(d.whole.size(), d.whole, d.fraction); };
  if (key(a.value) != key(b.value)) return key(a.value) > key(b.value);
  return a.open || b.open;
}

}  // namespace

Node integers(Rules& rules, int64_t least, int64_t most) {
  std::vector<Node> ways;
  if (least < 0) {
    const int64_t nearest = most < 0 ? -most : 1;
    ways.push_back(rules.sequence(
        {rules.literal("-"), naturals(rules, std::to_string(nearest), std::to_string(-least))}));
  }
  if (most >= 0 && least <= most) {
    ways.push_back(
        naturals(rules, std::to_string(std::max<int64_t>(least, 0)), std::to_string(most)));
  }
  if (least > most || ways.empty()) return rules.never();
  return rules.choice(std::move(ways));
}

// A rule for each remainder and number of digits left.
Node multiples(Rules& rules, int64_t divisor, bool negative) {
  constexpr int kDigits = 18;
  std::vector<Node> shorter(divisor);
  for (int64_t rest = 0; rest < divisor; ++rest) {
    shorter[rest] = rest == 0 ? rules.empty() : rules.never();
  }
  const auto steps = [&](int64_t rest, const std::vector<Node>& behind, char first) {
    std::vector<Node> ways;
    if (rest == 0 && first == '0') ways.push_back(rules.empty());
    for (char d = first; d <= '9'; ++d) {
      ways.push_back(rules.sequence({digit(rules, d, d), behind[(rest * 10 + d - '0') % divisor]}));
    }
    return rules.choice(std::move(ways));
  };
  for (int left = 1; left < kDigits; ++left) {
    std::vector<Node> longer(divisor);
    for (int64_t rest = 0; rest < divisor; ++rest) {
      longer[rest] = rules.named("multiple", steps(rest, shorter, '0'));
    }
    shorter = std::move(longer);
  }
  const Node positive = steps(0, shorter, '1');
  const Node sign = negative ? rules.optional(rules.literal("-")) : rules.empty();
  return rules.choice({rules.literal("0"), rules.sequence({sign, positive})});
}

std::optional<Decimal> decimal(double value) {
  std::string text = fmt::format("{:.10f}", value);
  if (!std::isfinite(value) || std::stod(text) != value) return std::nullopt;
  Decimal result;
  if (text.starts_with('-')) {
    result.negative = true;
    text.erase(0, 1);
  }
  result.whole = text.substr(0, text.find('.'));
  if (result.whole.size() < text.size()) result.fraction = text.substr(result.whole.size() + 1);
  while (result.fraction.ends_with('0')) result.fraction.pop_back();
  if (result.whole.size() > kMaxBoundWhole || result.fraction.size() >= kMaxFraction) {
    return std::nullopt;
  }
  if (is_zero(result)) result.negative = false;
  return result;
}

Node decimals(Rules& rules, const std::optional<Bound>& least, const std::optional<Bound>& most) {
  const Bound zero{{false, "0", ""}, false};
  const Bound below_zero{{false, "0", ""}, true};
  std::vector<Node> ways;
  if (!most || !most->value.negative) {
    const Bound from = least && !least->value.negative ? *least : zero;
    if (!most || !is_above(from, *most)) ways.push_back(positives(rules, from, most));
  }
  if (!least || least->value.negative) {
    const Bound from = most && most->value.negative ? *most : below_zero;
    if (!least || !is_above(from, *least)) {
      ways.push_back(rules.sequence({rules.literal("-"), positives(rules, from, least)}));
    }
  }
  return ways.empty() ? rules.never() : rules.choice(std::move(ways));
}

Node decimals_of_places(Rules& rules, int64_t places) {
  const Node whole = naturals(rules, "0", std::string(12, '9'));
  const Node fraction = rules.sequence({rules.literal("."), rules.repeat(digit(rules), 1, places)});
  return rules.sequence({rules.optional(rules.literal("-")), whole, rules.optional(fraction)});
}

}  // namespace verge::text::grammar
