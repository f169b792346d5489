#pragma once
// Where an index of gather points.

#include <algorithm>
#include <cstdint>

namespace verge::kernels {

/// The row that an index from -n to n - 1 names, where -1 is the last; one beyond takes the
/// nearest.
inline int64_t row_at(int32_t index, int64_t n) {
  return std::clamp<int64_t>(index < 0 ? index + n : index, 0, n - 1);
}
/// Of ONNX's integers, which a Graph holds as f64: what is no number takes the first.
inline int64_t row_at(double index, int64_t n) {
  if (!(index > -0x1p53)) return 0;
  if (index >= 0x1p53) return n - 1;
  const auto whole = static_cast<int64_t>(index);
  return std::clamp<int64_t>(whole < 0 ? whole + n : whole, 0, n - 1);
}

}  // namespace verge::kernels
