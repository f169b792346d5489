#pragma once
// CodePointSet: sets of characters, and their UTF-8 bytes as ranges.

#include <cstdint>
#include <vector>

namespace verge::text::grammar {

struct CodePointRange {
  char32_t first;
  char32_t last;
  bool operator==(const CodePointRange&) const = default;
};

/// Sorted, disjoint and not adjacent once normalized(); without surrogates, which UTF-8 cannot say.
using CodePointSet = std::vector<CodePointRange>;

CodePointSet normalized(CodePointSet set);
/// Everything from U+0000 to U+10FFFF that is not in `set` (normalized).
CodePointSet complement(const CodePointSet& set);
/// What both have; both normalized.
CodePointSet intersection(const CodePointSet& a, const CodePointSet& b);
bool contains(const CodePointSet& set, char32_t code_point);

struct ByteRange {
  uint8_t first;
  uint8_t last;
  auto operator<=>(const ByteRange&) const = default;
};

/// Byte strings of one length, range by range: 1 to 4.
using ByteSequence = std::vector<ByteRange>;

/// Disjoint sequences that together are the UTF-8 of exactly the set (normalized). Cox 2010,
/// "Regular Expression Matching in the Wild", the byte ranges of RE2 and of Go's regexp.
std::vector<ByteSequence> utf8_sequences(const CodePointSet& set);

}  // namespace verge::text::grammar
