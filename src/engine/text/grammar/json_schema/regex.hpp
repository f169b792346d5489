#pragma once
// Regular expressions of JSON schemas (ECMA-262) as rules for what stands inside a JSON string.

#include <cstdint>
#include <string_view>

#include <verge/core/result.hpp>
#include <verge/engine/text/grammar/json_schema/json_rules.hpp>

namespace verge::text::grammar {

struct RegexRules {
  Node node = -1;
  int64_t least = 0;  // characters it matches
  int64_t most = 0;   // -1: no end
};

/// Literals, classes, '.', \d \w \s and their negations, escapes (\n, \., \xHH, \uHHHH, \u{...}),
/// groups, alternatives and repetitions. '^' and '$' only around a whole alternative of the
/// outermost level; where they are missing any text may stand, as the standard has it.
/// Unsupported, naming the construct and its place: look-around, back references, \b, \p, anchors
/// elsewhere. Malformed: what is no regular expression.
Result<RegexRules> read_regex(std::string_view pattern, JsonRules& json);

/// The same expressions for a text of its own, which must match as a whole: '^' and '$' around an
/// alternative change nothing.
Result<Node> read_whole_regex(std::string_view pattern, Rules& rules);

}  // namespace verge::text::grammar
