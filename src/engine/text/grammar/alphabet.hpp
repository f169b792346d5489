#pragma once
// Alphabet: sets of characters that grammars tend to allow together, each within the next.

#include <cstdint>

#include <verge/engine/text/grammar/code_points.hpp>

namespace verge::text::grammar {

enum class Alphabet : uint8_t {
  None,          // any bytes
  Lower,         // a to z
  Alphanumeric,  // and A to Z, 0 to 9
  Plain,         // all that stand for themselves in a JSON string: U+0020 and up but '"' and '\\'
};
constexpr int kAlphabets = 4;

/// Of any but None.
CodePointSet characters(Alphabet alphabet);
/// The smallest alphabet with this character.
Alphabet alphabet_of(char32_t c);

}  // namespace verge::text::grammar
