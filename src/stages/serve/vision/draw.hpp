#pragma once
// Answers drawn onto their pictures.

#include <span>
#include <string>

#include <verge/stages/serve/vision/picture_runner.hpp>

namespace verge::serve {

/// Boxes with label and confidence, outlines of text with its number (as in the printed list), or
/// the likeliest class in the corner. Lines and letters grow with the picture.
Image annotated(Image picture, const PictureAnswer& answer, std::span<const std::string> labels);

/// A closed line through the corners, `thickness` pixels wide, cut to the picture.
void draw_outline(Image& picture, const Quad& quad, std::array<uint8_t, 3> colour,
                  int64_t thickness);

}  // namespace verge::serve
