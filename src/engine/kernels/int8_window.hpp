#pragma once
// Windows of pools over [batch, height, width, channels]: for each output pixel the input pixels of
// its window.

#include <verge/engine/graph/window2d.hpp>
#include <verge/engine/kernels/int8_call.hpp>

namespace verge::kernels {

/// Calls f(pixel) with the offset in elements of each pixel of the window of output pixel `at`.
template <typename F>
void for_each_window_pixel(const Shape& x, const Shape& y, const graph::Window2d& window,
                           int64_t at, F f) {
  const int64_t image = at / (y[1] * y[2]), row = at / y[2] % y[1], column = at % y[2];
  for (int64_t ky = 0; ky < window.kernel[0]; ++ky) {
    const int64_t in_y = window.position(0, row, ky);
    if (in_y < 0 || in_y >= x[1]) continue;
    for (int64_t kx = 0; kx < window.kernel[1]; ++kx) {
      const int64_t in_x = window.position(1, column, kx);
      if (in_x < 0 || in_x >= x[2]) continue;
      f(((image * x[1] + in_y) * x[2] + in_x) * x[3]);
    }
  }
}

}  // namespace verge::kernels
