#include <cstring>

#include <webp/decode.h>
#include <webp/encode.h>

#include <verge/engine/format/image/codecs.hpp>
#include <verge/engine/format/image/exif.hpp>

namespace verge::format::image {
namespace {

constexpr size_t kRiffHeaderBytes = 12;
// Lossless WebP may spend no bit at all on a pixel; its greatest picture has 2^28 of them.
constexpr int64_t kMostWebpPixelsAByte = int64_t{1} << 28;

const uint8_t* data_of(std::span<const std::byte> bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

Error failure(VP8StatusCode status, size_t bytes) {
  if (status == VP8_STATUS_NOT_ENOUGH_DATA || status == VP8_STATUS_SUSPENDED) return cut_off(bytes);
  if (status == VP8_STATUS_OUT_OF_MEMORY) {
    return make_error(Code::OutOfMemory, "not enough memory to decode this WebP");
  }
  return make_error(Code::Malformed, "damaged WebP (status {}); fetch it again",
                    static_cast<int>(status));
}

size_t little_endian(std::span<const std::byte> bytes) {
  size_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= std::to_integer<size_t>(bytes[i]) << (8 * i);
  return value;
}

// Of a RIFF chunk "EXIF", which libwebp passes over.
int webp_orientation(std::span<const std::byte> bytes) {
  bytes = bytes.subspan(std::min(bytes.size(), kRiffHeaderBytes));
  while (bytes.size() >= 8) {
    const size_t length = little_endian(bytes.subspan(4));
    if (length > bytes.size() - 8) return 1;
    if (std::memcmp(bytes.data(), "EXIF", 4) == 0) {
      return exif_orientation(bytes.subspan(8, length));
    }
    bytes = bytes.subspan(std::min(bytes.size(), 8 + length + length % 2));
  }
  return 1;
}

// The container says how long it is; what is cut off may be the orientation.
bool is_whole(std::span<const std::byte> bytes) {
  return bytes.size() >= kRiffHeaderBytes && little_endian(bytes.subspan(4)) <= bytes.size() - 8;
}

}  // namespace

Result<Image> decode_webp(std::span<const std::byte> bytes, const ImageLimits& limits) {
  if (!is_whole(bytes)) return cut_off(bytes.size());
  WebPDecoderConfig config;
  VERGE_CHECK(WebPInitDecoderConfig(&config) != 0);
  const VP8StatusCode known = WebPGetFeatures(data_of(bytes), bytes.size(), &config.input);
  if (known != VP8_STATUS_OK) return failure(known, bytes.size());
  const int64_t height = config.input.height, width = config.input.width;
  VERGE_RETURN_IF_ERROR(check_extents(width, height, bytes.size(), kMostWebpPixelsAByte, limits));
  if (config.input.has_animation != 0) {
    return make_error(Code::Unsupported, "an animated WebP; give its frames as files");
  }
  const bool has_alpha = config.input.has_alpha != 0;
  config.output.colorspace = has_alpha ? MODE_RGBA : MODE_RGB;
  // Into libwebp's own memory, which costs nothing until a pixel is decoded.
  const VP8StatusCode decoded = WebPDecode(data_of(bytes), bytes.size(), &config);
  const std::unique_ptr<WebPDecBuffer, void (*)(WebPDecBuffer*)> owner(&config.output,
                                                                       WebPFreeDecBuffer);
  if (decoded != VP8_STATUS_OK) return failure(decoded, bytes.size());
  const uint8_t* pixels = config.output.u.RGBA.rgba;
  const auto count = static_cast<size_t>(height * width);
  Image image;
  if (has_alpha) {
    image = over_white({pixels, count * 4}, height, width);
  } else {
    image = Image(height, width);
    std::copy_n(pixels, count * 3, image.pixels.data());
  }
  return upright(std::move(image), webp_orientation(bytes));
}

Result<std::string> encode_webp(const Image& image, int quality) {
  if (image.height > WEBP_MAX_DIMENSION || image.width > WEBP_MAX_DIMENSION) {
    return make_error(Code::InvalidArgument,
                      "{} x {} pixels; a WebP has at most {} each way: write PNG", image.width,
                      image.height, WEBP_MAX_DIMENSION);
  }
  uint8_t* bytes = nullptr;
  const size_t size = WebPEncodeRGB(
      image.pixels.data(), static_cast<int>(image.width), static_cast<int>(image.height),
      static_cast<int>(image.width * 3), static_cast<float>(quality), &bytes);
  std::string out(reinterpret_cast<const char*>(bytes), size);
  WebPFree(bytes);
  if (size > 0) return out;
  return make_error(Code::OutOfMemory, "not enough memory to write this WebP");
}

}  // namespace verge::format::image
