#include <gtest/gtest.h>

#include <verge/engine/text/byte_alphabet.hpp>

namespace verge::text {
namespace {

TEST(ByteAlphabet, IsThatOfGpt2) {
  EXPECT_EQ(to_byte_alphabet(" a\n\t\xC3\xA9~\x7F\xAD"), "ĠaĊĉÃ©~ġŃ");
  EXPECT_EQ(byte_to_character(0), char32_t{0x100});
  EXPECT_EQ(byte_to_character(0xFF), char32_t{0xFF});
}

TEST(ByteAlphabet, EveryByteComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(from_byte_alphabet(to_byte_alphabet(all)), all);
}

TEST(ByteAlphabet, RefusesOtherCharacters) {
  for (const char* text : {" ", "\n", "中", "ń\xC5\x84", "\xFF"}) {
    EXPECT_EQ(from_byte_alphabet(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace verge::text
