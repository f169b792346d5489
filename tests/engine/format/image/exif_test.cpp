#include <string>

#include <gtest/gtest.h>

#include <verge/engine/format/image/exif.hpp>

namespace verge::format::image {
namespace {

// One directory with one entry before it.
std::string tiff_block(bool is_big, char orientation) {
  if (is_big) {
    return std::string("MM\0*\0\0\0\x08\0\x02", 10) +
           std::string("\x01\0\0\x03\0\0\0\x01\0\0\0\0", 12) +
           std::string("\x01\x12\0\x03\0\0\0\x01\0", 9) + orientation + std::string(2, '\0');
  }
  return std::string("II*\0\x08\0\0\0\x02\0", 10) +
         std::string("\0\x01\x03\0\x01\0\0\0\0\0\0\0", 12) +
         std::string("\x12\x01\x03\0\x01\0\0\0", 8) + orientation + std::string(3, '\0');
}

int orientation_in(const std::string& block) {
  return exif_orientation(std::as_bytes(std::span(block)));
}

TEST(Exif, TheOrientationInBothByteOrders) {
  for (int value = 1; value <= 8; ++value) {
    for (const bool is_big : {false, true}) {
      const std::string block = tiff_block(is_big, static_cast<char>(value));
      EXPECT_EQ(orientation_in(block), value);
      EXPECT_EQ(orientation_in(std::string("Exif\0\0", 6) + block), value);
    }
  }
}

TEST(Exif, WhatCannotBeReadIsUpright) {
  const std::string block = tiff_block(true, 6);
  for (size_t size = 0; size + 2 < block.size(); ++size) {
    EXPECT_EQ(orientation_in(block.substr(0, size)), 1) << size;
  }
  EXPECT_EQ(orientation_in(tiff_block(true, 9)), 1);
  EXPECT_EQ(orientation_in(tiff_block(false, 0)), 1);
}

// Two columns and one row: which corner the first pixel goes to.
TEST(Exif, TheFirstPixelGoesWhereTheStandardSays) {
  Image image(2, 3);
  image.at(0, 0)[0] = 1;
  const std::pair<int64_t, int64_t> corner[] = {{0, 0}, {0, 2}, {1, 2}, {1, 0},
                                                {0, 0}, {0, 1}, {2, 1}, {2, 0}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image turned = upright(image, orientation);
    EXPECT_EQ(turned.height, orientation >= 5 ? 3 : 2);
    const auto [y, x] = corner[orientation - 1];
    EXPECT_EQ(turned.at(y, x)[0], 1) << orientation;
  }
}

}  // namespace
}  // namespace verge::format::image
