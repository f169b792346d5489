#include <png.h>

#include <verge/engine/format/image/codecs.hpp>
#include <verge/engine/format/image/exif.hpp>

namespace verge::format::image {
namespace {

constexpr size_t kSignatureBytes = 8;
constexpr size_t kChunkFrameBytes = 12;  // length, name and check sum
constexpr int64_t kMostDeflated = 1032;  // bytes that one byte of deflate may hold

// libpng's simplified interface: no longjmp leaves it. Files with a gamma that is not sRGB's are
// brought to it.
struct PngReader {
  png_image png = {};

  PngReader() { png.version = PNG_IMAGE_VERSION; }
  ~PngReader() { png_image_free(&png); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
};

Error failure(const png_image& png, size_t bytes) {
  const std::string_view message = png.message;
  const bool is_cut = message.find("beyond end") != std::string_view::npos ||
                      message.find("Not enough") != std::string_view::npos;
  if (is_cut) return cut_off(bytes);
  return make_error(Code::Malformed, "damaged PNG: {}; fetch it again", message);
}

uint32_t big_endian(std::span<const std::byte> bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<uint32_t>(bytes[i]);
  return value;
}

struct PngChunks {
  bool has_end = false;  // libpng itself does not look behind the last row
  int orientation = 1;
  std::vector<std::byte> needed = {};  // the file without what pixels do not depend on
};

// libpng allocates as much as a colour profile or a text says that it has. They are left out.
PngChunks chunks_of(std::span<const std::byte> bytes) {
  constexpr std::string_view kNeeded[] = {"IHDR", "PLTE", "tRNS", "gAMA",
                                          "sRGB", "cHRM", "IDAT", "IEND"};
  PngChunks chunks;
  const auto keep = [&](std::span<const std::byte> part) {
    chunks.needed.insert(chunks.needed.end(), part.begin(), part.end());
  };
  keep(bytes.first(kSignatureBytes));
  bytes = bytes.subspan(kSignatureBytes);
  while (bytes.size() >= kChunkFrameBytes && !chunks.has_end) {
    const size_t length = big_endian(bytes);
    if (length > bytes.size() - kChunkFrameBytes) return chunks;
    const std::string_view name(reinterpret_cast<const char*>(bytes.data()) + 4, 4);
    if (name == "eXIf") chunks.orientation = exif_orientation(bytes.subspan(8, length));
    if (std::ranges::count(kNeeded, name) > 0) keep(bytes.first(length + kChunkFrameBytes));
    chunks.has_end = name == "IEND";
    bytes = bytes.subspan(length + kChunkFrameBytes);
  }
  return chunks;
}

// By the header: bit depth and colour type stand in its bytes 24 and 25.
int64_t most_pixels_a_byte(std::span<const std::byte> bytes) {
  constexpr int64_t kChannels[] = {1, 1, 3, 1, 2, 1, 4};
  const auto depth = std::to_integer<int64_t>(bytes[24]);
  const auto colours = std::min(std::to_integer<size_t>(bytes[25]), std::size(kChannels) - 1);
  return kMostDeflated * 8 / (depth * kChannels[colours]);
}

}  // namespace

Result<Image> decode_png(std::span<const std::byte> bytes, const ImageLimits& limits) {
  const PngChunks chunks = chunks_of(bytes);
  if (!chunks.has_end) return cut_off(bytes.size());
  PngReader reader;
  png_image& png = reader.png;
  if (png_image_begin_read_from_memory(&png, chunks.needed.data(), chunks.needed.size()) == 0) {
    return failure(png, bytes.size());
  }
  const int64_t height = png.height, width = png.width;
  VERGE_RETURN_IF_ERROR(
      check_extents(width, height, bytes.size(), most_pixels_a_byte(chunks.needed), limits));
  const bool has_alpha = (png.format & PNG_FORMAT_FLAG_ALPHA) != 0;
  png.format = has_alpha ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB;
  png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  std::vector<uint8_t> pixels(static_cast<size_t>(height * width * (has_alpha ? 4 : 3)));
  if (png_image_finish_read(&png, nullptr, pixels.data(), 0, nullptr) == 0) {
    return failure(png, bytes.size());
  }
  Image image;
  if (has_alpha) {
    image = over_white(pixels, height, width);
  } else {
    image.height = height;
    image.width = width;
    image.pixels = std::move(pixels);
  }
  return upright(std::move(image), chunks.orientation);
}

Result<std::string> encode_png(const Image& image) {
  PngReader writer;
  writer.png.width = static_cast<png_uint_32>(image.width);
  writer.png.height = static_cast<png_uint_32>(image.height);
  writer.png.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(writer.png);
  std::string out(size, '\0');
  if (png_image_write_to_memory(&writer.png, out.data(), &size, 0, image.pixels.data(), 0,
                                nullptr) == 0) {
    return make_error(Code::InvalidArgument, "writing a PNG: {}", writer.png.message);
  }
  out.resize(size);
  return out;
}

}  // namespace verge::format::image
