#pragma once
// Pictures out: JPEG, PNG and WebP.

#include <string>

#include <verge/core/result.hpp>
#include <verge/engine/format/image/reader.hpp>

namespace verge::format {

inline constexpr int kUsualQuality = 90;

/// The bytes of a file; `quality` from 1 to 100 for JPEG and WebP. Fails with InvalidArgument for
/// an empty picture or one too large for the format.
Result<std::string> encode_image(const Image& image, ImageFormat format,
                                 int quality = kUsualQuality);

/// Writes it whole or not at all, in the format that the name's ending asks for: .jpg, .jpeg, .png
/// or .webp. Fails with InvalidArgument for another one.
Status write_image(const std::string& path, const Image& image, int quality = kUsualQuality);

/// By a name's ending, in either case; none for all else.
std::optional<ImageFormat> image_format_of_name(std::string_view path);

}  // namespace verge::format
