#pragma once
// The orientation that EXIF gives (EXIF 2.32, 4.6.4; TIFF 6.0), and how a picture is turned by it.
// Internal to this folder.

#include <cstddef>
#include <span>

#include <verge/engine/format/image/image.hpp>

namespace verge::format::image {

/// 1 to 8, of a TIFF block, behind "Exif\0\0" or alone; 1, "as it is", for what cannot be read.
int exif_orientation(std::span<const std::byte> block);

/// The picture as it should be looked at.
Image upright(Image image, int orientation);

}  // namespace verge::format::image
