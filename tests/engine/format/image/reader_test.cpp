#include <captured_pictures.hpp>
#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/engine/format/image/reader.hpp>
#include <verge/engine/format/image/writer.hpp>

namespace verge::format {
namespace {

std::span<const std::byte> bytes_of_file(const std::string& file) {
  return std::as_bytes(std::span(file));
}

void expect_image_error(const std::string& file, Code code, const std::string& part,
                        const ImageLimits& limits = {}) {
  const auto image = parse_image(bytes_of_file(file), "a.jpg", limits);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, code) << image.error().message;
  EXPECT_TRUE(image.error().message.starts_with("a.jpg: ")) << image.error().message;
  EXPECT_NE(image.error().message.find(part), std::string::npos) << image.error().message;
}

// Lossless formats to the bit; libjpegs differ by a few levels where they blow colours up.
TEST(ImageReader, DecodesAsLibvipsDoes) {
  for (const auto& entry :
       test::captured_json("tests/engine/format/image/captured_pictures.json")) {
    const std::string name = entry.at("name");
    const std::string file = test::base64_bytes(entry.at("file"));
    const auto image = parse_image(bytes_of_file(file), name);
    ASSERT_TRUE(image) << image.error().message;
    const bool is_lossy = name.ends_with(".jpg") || name == "lossy.webp";
    EXPECT_LE(test::largest_difference(*image, test::captured_image(entry)), is_lossy ? 3 : 1)
        << name;
  }
}

TEST(ImageReader, EveryCutOfAFileIsAnError) {
  for (const auto& entry :
       test::captured_json("tests/engine/format/image/captured_pictures.json")) {
    const std::string name = entry.at("name");
    const std::string file = test::base64_bytes(entry.at("file"));
    // A JPEG may lack its end mark, and a WebP of the last pixels those bits that say nothing.
    const size_t spare = name.ends_with(".png") ? 1 : 8;
    for (size_t size = 0; size + spare <= file.size(); ++size) {
      const auto image = parse_image(bytes_of_file(file.substr(0, size)), name);
      if (!image) continue;
      const bool is_whole = test::largest_difference(*image, test::captured_image(entry)) <= 3;
      EXPECT_TRUE(is_whole) << name << " cut at " << size << " of " << file.size();
    }
  }
}

TEST(ImageReader, ACutIsSaidToBeOne) {
  const std::string whole = *encode_image(Image(64, 64), ImageFormat::Png);
  const std::string jpeg = *encode_image(Image(64, 64), ImageFormat::Jpeg);
  const std::string webp = *encode_image(Image(64, 64), ImageFormat::Webp);
  expect_image_error(whole.substr(0, whole.size() - 20), Code::Malformed, "the file is cut off");
  expect_image_error(jpeg.substr(0, jpeg.size() - 20), Code::Malformed, "the file is cut off");
  expect_image_error(webp.substr(0, webp.size() - 20), Code::Malformed, "the file is cut off");
}

// The width stands in bytes 16 to 19 of a PNG, and its check sum behind the header.
TEST(ImageReader, ALieAboutTheSizeCostsNothing) {
  std::string jpeg = *encode_image(Image(8, 8), ImageFormat::Jpeg);
  const size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  for (size_t i = 5; i < 9; i += 2) {  // 12,032 each way
    jpeg[frame + i] = 0x2f;
    jpeg[frame + i + 1] = 0;
  }
  expect_image_error(jpeg, Code::Malformed, "says that it has 12032 x 12032 pixels, which");
  std::string huge = jpeg;
  for (size_t i = 5; i < 9; i += 2) huge[frame + i] = static_cast<char>(0xf0);
  expect_image_error(huge, Code::Unsupported, "more than 178956970; make it smaller, or allow");
  std::string png = *encode_image(Image(8, 8), ImageFormat::Png);
  png[18] = 0x7f;
  expect_image_error(png, Code::Malformed, "damaged PNG: ");  // its check sum
}

// libpng allocates what a colour profile says that it has: a broken one never gets there.
TEST(ImageReader, WhatPixelsDoNotDependOnIsLeftOut) {
  const Image image(5, 4);
  std::string png = *encode_image(image, ImageFormat::Png);
  png.insert(33, std::string("\0\0\0\x0diCCPbad profile ", 21) + "sums");
  const auto read = parse_image(bytes_of_file(png), "a.png");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->pixels, image.pixels);
}

TEST(ImageReader, TheLimitIsTheCallers) {
  const std::string png = *encode_image(Image(30, 40), ImageFormat::Png);
  expect_image_error(png, Code::Unsupported, "40 x 30 pixels, more than 1199",
                     {.most_pixels = 1199});
  EXPECT_TRUE(parse_image(bytes_of_file(png), "a.png", {.most_pixels = 1200}));
}

TEST(ImageReader, OtherFormatsAreNamed) {
  const std::pair<std::string, std::string> files[] = {
      {"GIF89a123456", "a GIF; convert it"},
      {"BM1234567890", "a BMP"},
      {std::string("II*\0aaaaaaaa", 12), "a TIFF"},
      {std::string("\0\0\0\x1c", 4) + "ftypavif1234", "an AVIF"},
      {std::string("\0\0\0\x1c", 4) + "ftypheic1234", "a HEIC"},
      {"%PDF-1.7    ", "a PDF"},
  };
  for (const auto& [file, part] : files) expect_image_error(file, Code::Unsupported, part);
  expect_image_error("hello", Code::Malformed, "no picture that is known");
  expect_image_error("", Code::Malformed, "no picture that is known");
}

TEST(ImageReader, ContentDecidesNotTheName) {
  test::TemporaryFolder folder;
  const std::string path = folder.add("wrong.jpg", *encode_image(Image(3, 5), ImageFormat::Webp));
  const auto image = read_image(path);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->width, 5);
  const auto missing = read_image(folder / "none.png");
  EXPECT_EQ(missing.error().code, Code::NotFound);
}

}  // namespace
}  // namespace verge::format
