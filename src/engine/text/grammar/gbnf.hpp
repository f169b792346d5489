#pragma once
// GBNF: llama.cpp's notation for grammars (grammars/README.md there).
//
//   root ::= "yes" | "no" | number     # comments run to the end of the line
//   number ::= [1-9] [0-9]{0,3}
//
// Rules are a name of letters, digits, '-' and '_', then ::= and alternatives. A part is a
// "literal", a class [a-z] or [^a-z], '.', a rule's name or a group in parentheses, then maybe one
// of ? * + {n} {m,} {m,n}. Escapes: \n \r \t \\ \" \[ \] \xHH \uHHHH \UHHHHHHHH, all code points.
// A rule ends with its line, except inside parentheses, after '|' and after "::=".

#include <string_view>

#include <verge/core/result.hpp>
#include <verge/engine/text/grammar/rules.hpp>

namespace verge::text::grammar {

constexpr size_t kMaxGrammarBytes = size_t{1} << 20;
constexpr int kMaxGroups = 64;  // inside one another
constexpr int64_t kMaxRepeats = 10000;

struct ParsedGrammar {
  Rules rules;
  int32_t root = -1;
};

/// Malformed, naming line and column: what breaks the notation, a rule that is missing or there
/// twice. Unsupported: more than the limits above, or llama.cpp's tokens in angle brackets.
Result<ParsedGrammar> parse_gbnf(std::string_view text);

}  // namespace verge::text::grammar
