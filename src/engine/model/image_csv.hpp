#pragma once
// Labelled grey images as lines of numbers: the pixels row by row, then the class, as UCI's digits
// are published (Alpaydin & Kaynak 1998).

#include <string_view>

#include <verge/engine/model/image_data.hpp>

namespace verge::model {

/// Reads the text of a CSV file whose first line may be a heading. Images are square; pixels are
/// integers from 0 and are scaled so that the largest is 255; `held_out`, a share of the lines, the
/// last ones, becomes the test set. `name` stands in errors. Fails with Malformed for lines of
/// unequal length, what is no number, pixels above 65535 and classes above 999.
Result<ImageData> parse_image_csv(std::string_view text, std::string_view name, double held_out);

/// Bilinear, as if pixels were squares: what a network of another image size is given.
ImageSet resized(const ImageSet& images, int64_t height, int64_t width);

}  // namespace verge::model
