#include <set>
#include <string>

#include <gtest/gtest.h>

#include <verge/stages/serve/vision/font.hpp>

namespace verge::serve {
namespace {

std::string glyph_text(char character) {
  std::string text;
  for (int row = 0; row < kGlyphHeight; ++row) {
    for (int column = 0; column < kGlyphWidth; ++column) {
      text += glyph_pixel(character, row, column) ? '#' : '.';
    }
    text += '\n';
  }
  return text;
}

TEST(Font, EachCharacterLooksLikeNoOther) {
  std::set<std::string> seen;
  const std::string all = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ .,-_%:/()'!?+&#";
  for (const char c : all) EXPECT_TRUE(seen.insert(glyph_text(c)).second) << c;
  EXPECT_TRUE(seen.insert(glyph_text('\x01')).second);  // the box
  EXPECT_EQ(glyph_text('a'), glyph_text('A'));
  EXPECT_EQ(glyph_text('T'), "#####\n..#..\n..#..\n..#..\n..#..\n..#..\n..#..\n");
}

}  // namespace
}  // namespace verge::serve
