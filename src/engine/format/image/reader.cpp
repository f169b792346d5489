#include <cstring>

#include <verge/core/file.hpp>
#include <verge/engine/format/image/codecs.hpp>
#include <verge/engine/format/image/reader.hpp>

namespace verge::format {
namespace {

struct Magic {
  size_t offset;
  std::string_view bytes;
};

bool has(std::span<const std::byte> bytes, const Magic& magic) {
  return bytes.size() >= magic.offset + magic.bytes.size() &&
         std::memcmp(bytes.data() + magic.offset, magic.bytes.data(), magic.bytes.size()) == 0;
}

// What people have, and Verge does not read.
constexpr std::pair<Magic, const char*> kOthers[] = {
    {{0, "GIF8"}, "a GIF"},        {{0, "BM"}, "a BMP"},
    {{0, {"II*\0", 4}}, "a TIFF"}, {{0, {"MM\0*", 4}}, "a TIFF"},
    {{4, "ftypavif"}, "an AVIF"},  {{4, "ftyphei"}, "a HEIC"},
    {{4, "ftypmif1"}, "a HEIC"},   {{4, "jP  "}, "a JPEG 2000"},
    {{0, "%PDF"}, "a PDF"},        {{0, "8BPS"}, "a Photoshop file"},
    {{0, "<svg"}, "an SVG"},
};

Result<Image> decode(std::span<const std::byte> bytes, const ImageLimits& limits) {
  const auto format = image_format(bytes);
  if (format == ImageFormat::Jpeg) return image::decode_jpeg(bytes, limits);
  if (format == ImageFormat::Png) return image::decode_png(bytes, limits);
  if (format == ImageFormat::Webp) return image::decode_webp(bytes, limits);
  for (const auto& [magic, what] : kOthers) {
    if (!has(bytes, magic)) continue;
    return make_error(Code::Unsupported, "{}; convert it to JPEG, PNG or WebP", what);
  }
  return make_error(Code::Malformed, "no picture that is known; give JPEG, PNG or WebP");
}

}  // namespace

std::string_view name(ImageFormat format) {
  if (format == ImageFormat::Jpeg) return "JPEG";
  return format == ImageFormat::Png ? "PNG" : "WebP";
}

std::optional<ImageFormat> image_format(std::span<const std::byte> bytes) {
  if (has(bytes, {0, "\xff\xd8\xff"})) return ImageFormat::Jpeg;
  if (has(bytes, {0, "\x89PNG\r\n\x1a\n"})) return ImageFormat::Png;
  if (has(bytes, {0, "RIFF"}) && has(bytes, {8, "WEBP"})) return ImageFormat::Webp;
  return std::nullopt;
}

Result<Image> parse_image(std::span<const std::byte> bytes, std::string_view path,
                          const ImageLimits& limits) {
  auto image = decode(bytes, limits);
  if (image) return image;
  return make_error(image.error().code, "{}: {}", path, image.error().message);
}

Result<Image> read_image(const std::string& path, const ImageLimits& limits) {
  VERGE_TRY(const MappedFile file, MappedFile::open(path));
  return parse_image(file.bytes(), path, limits);
}

namespace image {

Status check_extents(int64_t width, int64_t height, size_t bytes, int64_t most_pixels_a_byte,
                     const ImageLimits& limits) {
  const int64_t pixels = width * height;  // both below 2^31
  if (pixels > limits.most_pixels) {
    return make_error(Code::Unsupported,
                      "says that it has {} x {} pixels, more than {}; make it smaller, or allow "
                      "more by --max-pixels",
                      width, height, limits.most_pixels);
  }
  if (pixels / most_pixels_a_byte <= static_cast<int64_t>(bytes)) return {};
  return make_error(Code::Malformed,
                    "says that it has {} x {} pixels, which {} bytes cannot hold; fetch it again",
                    width, height, bytes);
}

Error cut_off(size_t bytes) {
  return make_error(Code::Malformed,
                    "ends after {} bytes in the middle of the picture; the file is cut off: fetch "
                    "it again",
                    bytes);
}

Image over_white(std::span<const uint8_t> rgba, int64_t height, int64_t width) {
  Image image(height, width);
  for (size_t i = 0; i < rgba.size() / 4; ++i) {
    const int alpha = rgba[i * 4 + 3];
    for (size_t c = 0; c < 3; ++c) {
      const int mixed = rgba[i * 4 + c] * alpha + 255 * (255 - alpha);
      image.pixels[i * 3 + c] = static_cast<uint8_t>((mixed + 127) / 255);
    }
  }
  return image;
}

}  // namespace image
}  // namespace verge::format
