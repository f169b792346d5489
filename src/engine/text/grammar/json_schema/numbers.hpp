#pragma once
// Numbers within bounds, as rules over their digits.

#include <cstdint>
#include <optional>
#include <string>

#include <verge/engine/text/grammar/rules.hpp>

namespace verge::text::grammar {

/// Integers are written with at most 18 digits, so that every reader takes them for 64-bit ones.
constexpr int64_t kMaxInteger = 999999999999999999;

/// Exactly the integers from `least` to `most`, both within +-kMaxInteger, without leading zeros or
/// a plus. Never if least > most.
Node integers(Rules& rules, int64_t least, int64_t most);

/// Integers of at most 18 digits that `divisor` (1 to 100) divides; `negative`: with those below 0.
Node multiples(Rules& rules, int64_t divisor, bool negative);

/// A decimal number without exponent: -12.5 is {true, "12", "5"}.
struct Decimal {
  bool negative = false;
  std::string whole;     // no leading zeros; "0"
  std::string fraction;  // no trailing zeros; may be empty
};
/// Nothing if it needs an exponent, more than 9 digits before the point or more than 5 behind it.
std::optional<Decimal> decimal(double value);

struct Bound {
  Decimal value;
  bool open = false;  // the bound itself is left out
};
/// Decimal numbers (up to 16 digits before the point, 6 behind it, no exponent) from `least` to
/// `most`; an absent bound is none.
Node decimals(Rules& rules, const std::optional<Bound>& least, const std::optional<Bound>& most);

/// Decimal numbers with at most `places` digits behind the point.
Node decimals_of_places(Rules& rules, int64_t places);

}  // namespace verge::text::grammar
