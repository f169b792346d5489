#include <gtest/gtest.h>

#include <verge/engine/text/grammar/alphabet.hpp>

namespace verge::text::grammar {
namespace {

TEST(Alphabet, EachIsWithinTheNext) {
  for (char32_t c = 0; c < 0x3000; ++c) {
    const Alphabet smallest = alphabet_of(c);
    for (const Alphabet one : {Alphabet::Lower, Alphabet::Alphanumeric, Alphabet::Plain}) {
      const bool is_within = smallest != Alphabet::None && smallest <= one;
      EXPECT_EQ(contains(characters(one), c), is_within) << static_cast<uint32_t>(c);
    }
  }
  EXPECT_TRUE(characters(Alphabet::None).empty());
}

}  // namespace
}  // namespace verge::text::grammar
