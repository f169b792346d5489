#include <verge/engine/text/grammar/alphabet.hpp>

namespace verge::text::grammar {

CodePointSet characters(Alphabet alphabet) {
  switch (alphabet) {
    case Alphabet::None:
      return {};
    case Alphabet::Lower:
      return {{'a', 'z'}};
    case Alphabet::Alphanumeric:
      return {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}};
    case Alphabet::Plain:
      return normalized({{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x10FFFF}});
  }
  return {};
}

Alphabet alphabet_of(char32_t c) {
  if (c >= 'a' && c <= 'z') return Alphabet::Lower;
  if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return Alphabet::Alphanumeric;
  return c < 0x20 || c == '"' || c == '\\' ? Alphabet::None : Alphabet::Plain;
}

}  // namespace verge::text::grammar
