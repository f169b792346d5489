#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <verge/engine/text/grammar/json_schema/formats.hpp>
#include <verge/engine/text/grammar/json_schema/numbers.hpp>
#include <verge/engine/text/grammar/json_schema/regex.hpp>
#include <verge/engine/text/grammar/json_schema/schema.hpp>
#include <verge/engine/text/grammar/json_schema/schema_compiler.hpp>

namespace verge::text::grammar {
namespace {

constexpr int64_t kMaxListedMultiples = 2000;
constexpr int64_t kMaxDivisor = 100;

using Json = nlohmann::ordered_json;

// The nearest integer within a bound; beyond what integers may have digits for, one past the end.
int64_t whole_bound(const Json& bound, bool is_least, bool open) {
  constexpr int64_t kBeyond = kMaxInteger + 1;
  int64_t value = 0;
  bool exact = true;
  if (bound.is_number_integer() && !(bound > kBeyond)) {
    value = bound.get<int64_t>();
  } else {
    const double real = std::clamp(bound.get<double>(), -1e18, 1e18);
    const double whole = is_least ? std::ceil(real) : std::floor(real);
    exact = whole == real;
    value = static_cast<int64_t>(whole);
  }
  value = std::clamp(value, -kBeyond, kBeyond);
  if (open && exact) value += is_least ? 1 : -1;
  return value;
}

bool is_tighter(const Bound& bound, const std::optional<Bound>& than, bool is_least) {
  if (!than) return true;
  const auto value = [](const Bound& b) {
    const double size = std::stod(b.value.whole + "." + b.value.fraction + "0");
    return b.value.negative ? -size : size;
  };
  if (value(bound) == value(*than)) return bound.open;
  return (value(bound) > value(*than)) == is_least;
}

}  // namespace

Result<Node> SchemaCompiler::string(const Place& at) {
  VERGE_TRY(const int64_t least, count(at, "minLength", 0));
  VERGE_TRY(const int64_t most, count(at, "maxLength", -1));
  if (least > kMaxLength) {
    return refuse(at, "minLength", fmt::format("is {}; at most {} can be held", least, kMaxLength));
  }
  if (most >= 0 && most < least) return rules_.never();
  const Json* pattern = find(at.schema, "pattern");
  const Json* format = find(at.schema, "format");
  if (pattern == nullptr && format == nullptr) {
    return json_.string(least, std::min(most, kMaxLength));
  }
  const char* keyword = pattern != nullptr ? "pattern" : "format";
  if (pattern != nullptr && format != nullptr) {
    return refuse(at, "format", "beside 'pattern' cannot be held; leave one out");
  }
  const Json& given = pattern != nullptr ? *pattern : *format;
  if (!given.is_string()) return malformed(at, keyword, "a string");
  std::string expression = given.get<std::string>();
  if (format != nullptr) {
    expression = format_pattern(expression);
    if (expression.empty()) {
      return refuse(at, keyword, fmt::format("is {}; known are {}", given.dump(), format_names()));
    }
  }
  const auto regex = read_regex(expression, json_);
  if (!regex) {
    return make_error(regex.error().code, "JSON schema: {}: '{}' is {}: {}", at.pointer, keyword,
                      given.dump(), regex.error().message);
  }
  const bool within =
      regex->least >= least && (most < 0 || (regex->most >= 0 && regex->most <= most));
  if (!within) {
    return refuse(
        at, regex->least >= least ? "maxLength" : "minLength",
        fmt::format("beside '{}' cannot be held; say the length in the pattern", keyword));
  }
  const Node quote = rules_.literal("\"");
  return rules_.sequence({quote, regex->node, quote});
}

Result<Node> SchemaCompiler::integer(const Place& at) {
  int64_t least = -kMaxInteger, most = kMaxInteger;
  bool bounded = false;
  for (const char* keyword : {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}) {
    const Json* bound = find(at.schema, keyword);
    if (bound == nullptr) continue;
    if (!bound->is_number()) return malformed(at, keyword, "a number");
    const bool is_least = std::string_view(keyword).ends_with("inimum");
    const int64_t value = whole_bound(*bound, is_least, keyword[0] == 'e');
    if (is_least) least = std::max(least, value);
    if (!is_least) most = std::min(most, value);
    bounded = true;
  }
  const Json* divisor = find(at.schema, "multipleOf");
  if (divisor == nullptr) return integers(rules_, least, most);
  if (!divisor->is_number() || !(divisor->get<double>() > 0)) {
    return malformed(at, "multipleOf", "a number above 0");
  }
  const auto value = divisor->get<double>();
  if (value < 1 && std::round(1 / value) * value == 1) return integers(rules_, least, most);
  if (value != std::floor(value) || value > 1e15) {
    return refuse(at, "multipleOf", fmt::format("is {}; use a whole number", divisor->dump()));
  }
  const auto whole = static_cast<int64_t>(value);
  if (whole == 1) return integers(rules_, least, most);
  if (bounded && !(least == 0 && most == kMaxInteger)) {
    return multiples_between(whole, least, most, at);
  }
  if (whole > kMaxDivisor) {
    return refuse(at, "multipleOf",
                  fmt::format("is {}; without bounds at most {} can be held", whole, kMaxDivisor));
  }
  const auto [found, is_new] = multiples_.try_emplace({whole, !bounded}, -1);
  if (is_new) found->second = multiples(rules_, whole, !bounded);
  return found->second;
}

Result<Node> SchemaCompiler::multiples_between(int64_t divisor, int64_t least, int64_t most,
                                               const Place& at) {
  if (least > most) return rules_.never();
  const auto first = static_cast<int64_t>(std::ceil(static_cast<double>(least) / divisor));
  const auto last = static_cast<int64_t>(std::floor(static_cast<double>(most) / divisor));
  if (last - first >= kMaxListedMultiples) {
    return refuse(at, "multipleOf",
                  fmt::format("leaves {} values within the bounds; at most {} can be held",
                              last - first + 1, kMaxListedMultiples));
  }
  std::vector<Node> ways;
  for (int64_t i = first; i <= last; ++i) {
    const int64_t value = i * divisor;
    if (value >= least && value <= most) ways.push_back(rules_.literal(std::to_string(value)));
  }
  return ways.empty() ? rules_.never() : rules_.choice(std::move(ways));
}

Result<Node> SchemaCompiler::number(const Place& at) {
  const Json* divisor = find(at.schema, "multipleOf");
  const bool is_whole = divisor != nullptr && divisor->is_number() && *divisor >= 1;
  if (is_whole) return integer(at);
  std::optional<Bound> least, most;
  for (const char* keyword : {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}) {
    const Json* given = find(at.schema, keyword);
    if (given == nullptr) continue;
    if (!given->is_number()) return malformed(at, keyword, "a number");
    const std::optional<Decimal> value = decimal(given->get<double>());
    if (!value) {
      return refuse(at, keyword,
                    fmt::format("is {}; bounds of numbers have at most 9 digits before "
                                "the point and 5 behind it",
                                given->dump()));
    }
    const bool is_least = std::string_view(keyword).ends_with("inimum");
    std::optional<Bound>& bound = is_least ? least : most;
    const Bound found{*value, keyword[0] == 'e'};
    if (is_tighter(found, bound, is_least)) bound = found;
  }
  if (divisor == nullptr) {
    return least || most ? decimals(rules_, least, most) : json_.number();
  }
  int64_t places = 0;
  for (double unit = 1; divisor->is_number() && places <= 9; ++places, unit /= 10) {
    if (std::abs(divisor->get<double>() - unit) < unit * 1e-9) break;
  }
  if (places == 0 || places > 9 || least || most) {
    return refuse(at, "multipleOf",
                  fmt::format("is {}; below 1 only 0.1, 0.01 ... can be held, without bounds",
                              divisor->dump()));
  }
  return decimals_of_places(rules_, places);
}

}  // namespace verge::text::grammar
