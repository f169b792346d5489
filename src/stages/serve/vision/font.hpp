#pragma once
// Letters of five by seven pixels, for labels on pictures.

#include <cstdint>
#include <string_view>

namespace verge::serve {

inline constexpr int kGlyphWidth = 5, kGlyphHeight = 7;

/// Whether the glyph of a character has a pixel at (row, column). Small letters look like capitals;
/// what has no glyph is a box.
bool glyph_pixel(char character, int row, int column);

}  // namespace verge::serve
