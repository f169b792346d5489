// Any bytes as a picture: what is read has as many pixels as it says, and written without loss
// reads the same. Small pictures alone, so that each input is quick.

#include <cstdint>
#include <cstdlib>

#include <verge/engine/format/image/writer.hpp>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace verge;
  constexpr format::ImageLimits kLimits = {.most_pixels = 1 << 16};
  const auto image = format::parse_image(std::as_bytes(std::span(data, size)), "image", kLimits);
  if (!image) return image.error().message.empty() ? -1 : 0;
  if (image->height * image->width > kLimits.most_pixels) std::abort();
  if (std::ssize(image->pixels) != image->height * image->width * 3) std::abort();
  const auto written = format::encode_image(*image, format::ImageFormat::Png);
  if (!written) std::abort();
  const auto again = format::parse_image(std::as_bytes(std::span(*written)), "image", kLimits);
  if (!again || again->pixels != image->pixels || again->width != image->width) std::abort();
  return 0;
}
