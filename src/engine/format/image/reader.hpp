#pragma once
// Pictures in: JPEG, PNG and WebP, told apart by their content, whatever their names say.
//
//   VERGE_TRY(const format::Image image, format::read_image("cat.jpg"));
//
// Grey, palette, 16 bit and CMYK become 8 bit RGB; what is transparent lies on white; the
// orientation that a camera wrote (EXIF 2.32, tag 0x0112) is applied. Any thread may call these.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <verge/core/result.hpp>
#include <verge/engine/format/image/image.hpp>

namespace verge::format {

enum class ImageFormat { Jpeg, Png, Webp };
std::string_view name(ImageFormat format);

struct ImageLimits {
  /// Checked against what the file says of itself before anything is decoded or allocated for it.
  /// The default is that of Pillow against decompression bombs.
  int64_t most_pixels = 178'956'970;
};

/// What the first bytes say; none for all else.
std::optional<ImageFormat> image_format(std::span<const std::byte> bytes);

/// Fails with Malformed for bytes that are cut off or damaged, or too few for the size that they
/// claim; Unsupported for other formats, by their names, for animations, and for more pixels than
/// the limit. `path` names them in errors.
Result<Image> parse_image(std::span<const std::byte> bytes, std::string_view path = "image",
                          const ImageLimits& limits = {});
Result<Image> read_image(const std::string& path, const ImageLimits& limits = {});

}  // namespace verge::format
