#pragma once
// The decoders and encoders of the three formats. Internal to this folder; errors do not yet name
// the file.

#include <span>
#include <string>

#include <verge/core/result.hpp>
#include <verge/engine/format/image/reader.hpp>

namespace verge::format::image {

Result<Image> decode_jpeg(std::span<const std::byte> bytes, const ImageLimits& limits);
Result<Image> decode_png(std::span<const std::byte> bytes, const ImageLimits& limits);
Result<Image> decode_webp(std::span<const std::byte> bytes, const ImageLimits& limits);

/// `quality` from 1 to 100; PNG loses nothing and ignores it.
Result<std::string> encode_jpeg(const Image& image, int quality);
Result<std::string> encode_png(const Image& image);
Result<std::string> encode_webp(const Image& image, int quality);

/// Whether a claimed size is within the limit, and possible at all for so many bytes, of which one
/// holds at most `most_pixels_a_byte`.
Status check_extents(int64_t width, int64_t height, size_t bytes, int64_t most_pixels_a_byte,
                     const ImageLimits& limits);

Error cut_off(size_t bytes);

/// RGBA [height, width, 4] over white.
Image over_white(std::span<const uint8_t> rgba, int64_t height, int64_t width);

}  // namespace verge::format::image
