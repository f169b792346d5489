#include <captured_pictures.hpp>
#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/engine/format/image/writer.hpp>

namespace verge::format {
namespace {

Image smooth_image() {
  Image image(20, 30);
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      image.at(y, x)[0] = static_cast<uint8_t>(x * 8);
      image.at(y, x)[1] = static_cast<uint8_t>(y * 12);
      image.at(y, x)[2] = 100;
    }
  }
  return image;
}

TEST(ImageWriter, WhatIsWrittenIsRead) {
  const test::TemporaryFolder folder;
  const Image image = smooth_image();
  const std::pair<const char*, int> names[] = {
      {"a.png", 0}, {"a.jpg", 12}, {"a.JPEG", 12}, {"a.webp", 12}};
  for (const auto& [name, largest] : names) {
    const Status written = write_image(folder / name, image);
    ASSERT_TRUE(written) << written.error().message;
    const auto read = read_image(folder / name);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_LE(test::largest_difference(*read, image), largest) << name;
  }
}

TEST(ImageWriter, RefusesWhatCannotBeWritten) {
  const test::TemporaryFolder folder;
  const auto refusal = [&](const char* name, const Image& image) {
    return write_image(folder / name, image).error().message;
  };
  EXPECT_NE(refusal("a.gif", smooth_image()).find("give a name in .jpg, .png or .webp"),
            std::string::npos);
  EXPECT_NE(refusal("a.png", Image()).find("without pixels"), std::string::npos);
  EXPECT_NE(refusal("a.webp", Image(1, 16384)).find("at most 16383 each way"), std::string::npos);
  EXPECT_NE(refusal("a.jpg", Image(1, 65501)).find("at most 65500 each way"), std::string::npos);
  EXPECT_EQ(folder.entries(), 0u);
}

}  // namespace
}  // namespace verge::format
