#include <cstring>
#include <optional>

#include <verge/engine/format/image/exif.hpp>

namespace verge::format::image {
namespace {

constexpr uint32_t kOrientationTag = 0x0112;
constexpr size_t kEntryBytes = 12;

// Numbers of a TIFF block in its own byte order; none past its end.
class TiffBlock {
 public:
  explicit TiffBlock(std::span<const std::byte> bytes) : bytes_(bytes) {
    is_big_ = !bytes.empty() && bytes[0] == std::byte{'M'};
  }

  std::optional<uint32_t> number(size_t offset, size_t width) const {
    if (offset > bytes_.size() || width > bytes_.size() - offset) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < width; ++i) {
      const size_t at = offset + (is_big_ ? i : width - 1 - i);
      value = value << 8 | std::to_integer<uint32_t>(bytes_[at]);
    }
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  bool is_big_;
};

}  // namespace

int exif_orientation(std::span<const std::byte> block) {
  constexpr char kMarker[] = "Exif\0";  // and one more zero
  if (block.size() >= 6 && std::memcmp(block.data(), kMarker, 6) == 0) block = block.subspan(6);
  const TiffBlock tiff(block);
  if (tiff.number(2, 2) != 42u) return 1;
  const auto directory = tiff.number(4, 4);
  const auto count = directory ? tiff.number(*directory, 2) : std::nullopt;
  for (size_t i = 0; i < count.value_or(0); ++i) {
    const size_t entry = size_t{*directory} + 2 + i * kEntryBytes;
    const auto tag = tiff.number(entry, 2);
    if (!tag) return 1;
    if (*tag != kOrientationTag) continue;
    const uint32_t value = tiff.number(entry + 8, 2).value_or(1);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image upright(Image image, int orientation) {
  if (orientation == 1) return image;
  const bool is_transposed = orientation >= 5;
  const bool flips_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const bool flips_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  Image turned(is_transposed ? image.width : image.height,
               is_transposed ? image.height : image.width);
  for (int64_t y = 0; y < turned.height; ++y) {
    const int64_t row = flips_y ? turned.height - 1 - y : y;
    for (int64_t x = 0; x < turned.width; ++x) {
      const int64_t column = flips_x ? turned.width - 1 - x : x;
      const uint8_t* from = is_transposed ? image.at(column, row) : image.at(row, column);
      std::memcpy(turned.at(y, x), from, 3);
    }
  }
  return turned;
}

}  // namespace verge::format::image
