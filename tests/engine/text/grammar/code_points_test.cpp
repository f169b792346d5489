#include <string>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/text/grammar/code_points.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text::grammar {
namespace {

CodePointSet random_set(Rng& rng) {
  const char32_t limits[] = {0x80, 0x300, 0x800, 0xE000, 0x10000, 0x110000};
  CodePointSet set;
  for (uint32_t i = rng.below(4); i < 4; ++i) {
    const char32_t limit = limits[rng.below(6)];
    const char32_t first = rng.below(limit);
    set.push_back({first, first + rng.below(limit - first)});
  }
  return set;
}

bool in_ranges(const CodePointSet& ranges, char32_t c) {
  for (const CodePointRange& range : ranges) {
    if (range.first <= c && c <= range.last) return !(c >= 0xD800 && c <= 0xDFFF);
  }
  return false;
}

size_t sequences_with(const std::vector<ByteSequence>& sequences, const std::string& bytes) {
  size_t count = 0;
  for (const ByteSequence& sequence : sequences) {
    bool fits = sequence.size() == bytes.size();
    for (size_t i = 0; fits && i < bytes.size(); ++i) {
      const auto byte = static_cast<uint8_t>(bytes[i]);
      fits = sequence[i].first <= byte && byte <= sequence[i].last;
    }
    count += fits;
  }
  return count;
}

// Every character once: those of the set are in exactly one sequence, the others in none.
TEST(CodePoints, SequencesAreExactlyTheSet) {
  Rng rng(1);
  for (int round = 0; round < 40; ++round) {
    const CodePointSet ranges = random_set(rng);
    const CodePointSet set = normalized(ranges);
    const auto sequences = utf8_sequences(set);
    for (char32_t c = rng.below(7); c <= kMaxCodePoint; c += 1 + rng.below(13)) {
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      std::string bytes;
      append_utf8(bytes, c);
      const bool expected = in_ranges(ranges, c);
      ASSERT_EQ(sequences_with(sequences, bytes), expected ? 1u : 0u) << static_cast<uint32_t>(c);
      ASSERT_EQ(contains(set, c), expected) << static_cast<uint32_t>(c);
    }
  }
}

TEST(CodePoints, EdgesOfLengthsAndSurrogatesAreCut) {
  const auto sequences = utf8_sequences(normalized({{0, kMaxCodePoint}}));
  for (const char* broken : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80",
                             "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80"}) {
    EXPECT_EQ(sequences_with(sequences, broken), 0u);
  }
  for (const char* whole : {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xEE\x80\x80",
                            "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(sequences_with(sequences, whole), 1u);
  }
}

TEST(CodePoints, SetsObeyTheLawsOfSets) {
  Rng rng(2);
  for (int round = 0; round < 200; ++round) {
    const CodePointSet a = normalized(random_set(rng)), b = normalized(random_set(rng));
    EXPECT_EQ(complement(complement(a)), a);
    EXPECT_TRUE(intersection(a, complement(a)).empty());
    EXPECT_EQ(intersection(a, b), intersection(b, a));
    CodePointSet either = complement(a);
    for (const CodePointRange& range : complement(b)) either.push_back(range);
    EXPECT_EQ(complement(intersection(a, b)), normalized(either));
  }
}

}  // namespace
}  // namespace verge::text::grammar
