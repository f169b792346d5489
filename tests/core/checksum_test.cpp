#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/checksum.hpp>

namespace verge {
namespace {

std::span<const std::byte> bytes_of_text(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(Checksum, MatchesThePublishedValueOfNothing) {
  EXPECT_EQ(checksum({}),
            0x2D06800538D394C2u);  // XXH3_64bits("", seed 0), xxHash's own test vector
}

TEST(Checksum, PiecesGiveTheSameAsTheWhole) {
  const std::string_view text = "a text that is cut into pieces of every length";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Checksum pieces;
    pieces.add(bytes_of_text(text.substr(0, cut)));
    pieces.add(bytes_of_text(text.substr(cut)));
    EXPECT_EQ(pieces.value(), checksum(bytes_of_text(text)));
  }
}

TEST(Checksum, EveryFlippedBitChangesIt) {
  std::vector<std::byte> bytes(300);
  const uint64_t before = checksum(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte(1 << bit % 8);
    EXPECT_NE(checksum(bytes), before);
    bytes[bit / 8] ^= std::byte(1 << bit % 8);
  }
}

}  // namespace
}  // namespace verge
