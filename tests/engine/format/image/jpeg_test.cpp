// CMYK, which libvips converts by a profile of inks: files written by libjpeg itself.

#include <cstdio>

#include <gtest/gtest.h>
#include <jpeglib.h>

#include <verge/engine/format/image/reader.hpp>

namespace verge::format {
namespace {

// One colour of four components, 16 x 16 pixels; libjpeg adds Adobe's mark for CMYK.
std::string jpeg_of_inks(const uint8_t (&inks)[4], bool has_adobe_mark) {
  jpeg_compress_struct codec = {};
  jpeg_error_mgr errors = {};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &bytes, &size);
  codec.image_width = codec.image_height = 16;
  codec.input_components = 4;
  codec.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&codec);
  codec.write_Adobe_marker = has_adobe_mark ? TRUE : FALSE;
  jpeg_start_compress(&codec, TRUE);
  std::string row;
  for (int x = 0; x < 16; ++x) row.append(reinterpret_cast<const char*>(inks), 4);
  while (codec.next_scanline < 16) {
    JSAMPROW line = reinterpret_cast<JSAMPROW>(row.data());
    jpeg_write_scanlines(&codec, &line, 1);
  }
  jpeg_finish_compress(&codec);
  std::string file(reinterpret_cast<const char*>(bytes), size);
  jpeg_destroy_compress(&codec);
  std::free(bytes);
  return file;
}

TEST(Jpeg, InksBecomeLight) {
  const uint8_t inverted[] = {200, 100, 50, 128};  // Adobe: 255 minus the ink
  const uint8_t straight[] = {55, 155, 205, 127};
  for (const bool is_adobe : {true, false}) {
    const std::string file = jpeg_of_inks(is_adobe ? inverted : straight, is_adobe);
    const auto image = parse_image(std::as_bytes(std::span(file)));
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_NEAR(image->at(8, 8)[0], 200 * 128 / 255, 2) << is_adobe;
    EXPECT_NEAR(image->at(8, 8)[1], 100 * 128 / 255, 2) << is_adobe;
    EXPECT_NEAR(image->at(8, 8)[2], 50 * 128 / 255, 2) << is_adobe;
  }
}

}  // namespace
}  // namespace verge::format
