#pragma once
// Pictures of another size, as Pillow makes them (src/libImaging/Resample.c), and torchvision with
// antialias: pixel centres, a triangle that grows with what is shrunk, rows before columns, rounded
// to 8 bit in between.

#include <verge/engine/format/image/image.hpp>

namespace verge::serve {

using format::Image;

enum class Filter { Bilinear, Nearest };

constexpr int64_t kMostSide = 1 << 20;

/// Extents from 1 to kMostSide, of a picture that is not empty. The same size gives the same
/// pixels.
Image resize(const Image& image, int64_t height, int64_t width, Filter filter);

/// What lies at [top, top + height) x [left, left + width), all of it inside.
Image crop(const Image& image, int64_t top, int64_t left, int64_t height, int64_t width);

}  // namespace verge::serve
