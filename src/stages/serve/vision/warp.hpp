#pragma once
// What lies in a turned rectangle, upright.

#include <verge/stages/serve/vision/quad.hpp>
#include <verge/stages/serve/vision/resize.hpp>

namespace verge::serve {

/// The quad's first corner becomes the top left; its sides in pixels are the extents. Bilinear;
/// beyond the edge the edge goes on.
Image upright_crop(const Image& image, const Quad& quad);

/// A quarter turn against the clock.
Image turned_left(const Image& image);
/// Half a turn.
Image turned_over(const Image& image);

}  // namespace verge::serve
