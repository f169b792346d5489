#include <algorithm>
#include <string>

#include <verge/engine/text/grammar/code_points.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text::grammar {
namespace {

constexpr CodePointRange kSurrogates{0xD800, 0xDFFF};

// Ranges whose first and last code points differ in more than their last bytes are cut until every
// byte but the leading equal ones runs over all its values.
void split(char32_t first, char32_t last, std::vector<ByteSequence>& out) {
  for (const char32_t longest : {0x7Fu, 0x7FFu, 0xFFFFu}) {
    if (first <= longest && longest < last) {
      split(first, longest, out);
      split(longest + 1, last, out);
      return;
    }
  }
  if (last > 0x7F) {
    for (int bits = 6; bits <= 18; bits += 6) {
      const char32_t low = (char32_t{1} << bits) - 1;
      if ((first & ~low) == (last & ~low)) continue;
      if ((first & low) != 0) {
        split(first, first | low, out);
        split((first | low) + 1, last, out);
        return;
      }
      if ((last & low) != low) {
        split(first, (last & ~low) - 1, out);
        split(last & ~low, last, out);
        return;
      }
    }
  }
  std::string from, to;
  append_utf8(from, first);
  append_utf8(to, last);
  ByteSequence sequence;
  for (size_t i = 0; i < from.size(); ++i) {
    sequence.push_back({static_cast<uint8_t>(from[i]), static_cast<uint8_t>(to[i])});
  }
  out.push_back(std::move(sequence));
}

}  // namespace

CodePointSet normalized(CodePointSet set) {
  CodePointSet pieces;
  for (CodePointRange range : set) {
    range.last = std::min(range.last, kMaxCodePoint);
    if (range.first > range.last) continue;
    if (range.first < kSurrogates.first) {
      pieces.push_back({range.first, std::min(range.last, char32_t{kSurrogates.first - 1})});
    }
    if (range.last > kSurrogates.last) {
      pieces.push_back({std::max(range.first, char32_t{kSurrogates.last + 1}), range.last});
    }
  }
  std::ranges::sort(pieces, {}, &CodePointRange::first);
  CodePointSet merged;
  for (const CodePointRange& range : pieces) {
    if (!merged.empty() && range.first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

CodePointSet complement(const CodePointSet& set) {
  CodePointSet rest;
  char32_t next = 0;
  for (const CodePointRange& range : set) {
    if (range.first > next) rest.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kMaxCodePoint) rest.push_back({next, kMaxCodePoint});
  return normalized(std::move(rest));
}

CodePointSet intersection(const CodePointSet& a, const CodePointSet& b) {
  CodePointSet common;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const char32_t first = std::max(a[i].first, b[j].first);
    const char32_t last = std::min(a[i].last, b[j].last);
    if (first <= last) common.push_back({first, last});
    (a[i].last < b[j].last ? i : j) += 1;
  }
  return common;
}

bool contains(const CodePointSet& set, char32_t code_point) {
  return std::ranges::any_of(set, [&](const CodePointRange& range) {
    return range.first <= code_point && code_point <= range.last;
  });
}

std::vector<ByteSequence> utf8_sequences(const CodePointSet& set) {
  std::vector<ByteSequence> sequences;
  for (const CodePointRange& range : set) split(range.first, range.last, sequences);
  return sequences;
}

}  // namespace verge::text::grammar
