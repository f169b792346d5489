#pragma once
// Image: a picture in memory, as all readers give it and all writers take it. A plain value.

#include <cstdint>
#include <vector>

namespace verge::format {

struct Image {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> pixels = {};  // RGB, [height, width, 3]

  Image() = default;
  /// Black.
  Image(int64_t rows, int64_t columns)
      : height(rows), width(columns), pixels(static_cast<size_t>(rows * columns * 3)) {}

  uint8_t* at(int64_t y, int64_t x) { return pixels.data() + (y * width + x) * 3; }
  const uint8_t* at(int64_t y, int64_t x) const { return pixels.data() + (y * width + x) * 3; }
};

}  // namespace verge::format
