#include <algorithm>
#include <limits>

#include <verge/engine/kernels/pool.hpp>

namespace verge::kernels {
namespace {

/// One window clipped to the image: rows [y0, y1), columns [x0, x1), whose corner is at (top,
/// left).
struct Window {
  int64_t top, left, y0, y1, x0, x1;
};

Window window_at(const Pool2d& p, int64_t row, int64_t column) {
  const int64_t top = row * p.stride_height - p.pad_top;
  const int64_t left = column * p.stride_width - p.pad_left;
  return {top,
          left,
          std::max<int64_t>(top, 0),
          std::min(top + p.kernel_height, p.in_height),
          std::max<int64_t>(left, 0),
          std::min(left + p.kernel_width, p.in_width)};
}

/// Calls body(plane, out_index, window) for every output of this worker's planes; begin(plane)
/// before each plane.
template <typename Begin, typename Body>
void for_windows(const Pool2d& p, Worker& worker, Begin begin, Body body) {
  const int64_t height = p.out_height();
  const int64_t width = p.out_width();
  const auto [first, last] = worker.split(p.planes);
  for (int64_t plane = first; plane < last; ++plane) {
    begin(plane);
    int64_t at = plane * height * width;
    for (int64_t row = 0; row < height; ++row) {
      for (int64_t column = 0; column < width; ++column) {
        body(plane, at++, window_at(p, row, column));
      }
    }
  }
}

/// The everyday case: windows of 2 x 2 that neither overlap nor leave the image.
bool halves(const Pool2d& p) {
  return p.kernel_height == 2 && p.kernel_width == 2 && p.stride_height == 2 &&
         p.stride_width == 2 && p.pad_top == 0 && p.pad_left == 0 && p.pad_bottom == 0 &&
         p.pad_right == 0;
}

/// Calls body(above, below, out) for every row of outputs of this worker's planes: the first values
/// of its two rows of the image, and of its row of outputs.
template <typename Body>
void for_row_pairs(const Pool2d& p, Worker& worker, Body body) {
  const int64_t height = p.out_height();
  const auto [first, last] = worker.split(p.planes);
  for (int64_t plane = first; plane < last; ++plane) {
    for (int64_t row = 0; row < height; ++row) {
      const int64_t above = (plane * p.in_height + 2 * row) * p.in_width;
      body(above, above + p.in_width, (plane * height + row) * p.out_width());
    }
  }
}

void max_pool_halves(const Pool2d& p, const float* x, float* y, uint8_t* window_index,
                     Worker& worker) {
  const int64_t width = p.out_width();
  for_row_pairs(p, worker, [&](int64_t above, int64_t below, int64_t out) {
    const float *a = x + above, *b = x + below;
    for (int64_t i = 0; i < width; ++i) {
      const float upper = a[2 * i + 1] > a[2 * i] ? a[2 * i + 1] : a[2 * i];
      const float lower = b[2 * i + 1] > b[2 * i] ? b[2 * i + 1] : b[2 * i];
      y[out + i] = lower > upper ? lower : upper;
      if (window_index == nullptr) continue;
      const int in_upper = a[2 * i + 1] > a[2 * i], in_lower = 2 + (b[2 * i + 1] > b[2 * i]);
      window_index[out + i] = static_cast<uint8_t>(lower > upper ? in_lower : in_upper);
    }
  });
}

void max_pool_halves_backward(const Pool2d& p, const float* dy, const uint8_t* window_index,
                              float* dx, Worker& worker) {
  const int64_t width = p.out_width();
  for_row_pairs(p, worker, [&](int64_t above, int64_t below, int64_t out) {
    float *a = dx + above, *b = dx + below;
    for (int64_t i = 0; i < width; ++i) {
      const float d = dy[out + i];
      const int index = window_index[out + i];
      a[2 * i] = index == 0 ? d : 0;
      a[2 * i + 1] = index == 1 ? d : 0;
      b[2 * i] = index == 2 ? d : 0;
      b[2 * i + 1] = index == 3 ? d : 0;
    }
    if (p.in_width % 2 != 0) a[p.in_width - 1] = b[p.in_width - 1] = 0;
  });
  if (p.in_height % 2 == 0) return;
  const auto [first, last] = worker.split(p.planes);
  for (int64_t plane = first; plane < last; ++plane) {
    std::fill_n(dx + ((plane + 1) * p.in_height - 1) * p.in_width, p.in_width, 0.0f);
  }
}

float share_of(const Pool2d& p, const Window& w) {
  const int64_t counted =
      p.count_padding ? p.kernel_height * p.kernel_width : (w.y1 - w.y0) * (w.x1 - w.x0);
  return 1.0f / static_cast<float>(std::max<int64_t>(counted, 1));
}

}  // namespace

void max_pool(const Pool2d& p, const float* x, float* y, uint8_t* window_index, Worker& worker) {
  if (halves(p)) return max_pool_halves(p, x, y, window_index, worker);
  for_windows(
      p, worker, [](int64_t) {},
      [&](int64_t plane, int64_t at, const Window& w) {
        const float* image = x + plane * p.in_height * p.in_width;
        float best = -std::numeric_limits<float>::infinity();
        int64_t where = (w.y0 - w.top) * p.kernel_width + w.x0 - w.left;
        for (int64_t row = w.y0; row < w.y1; ++row) {
          for (int64_t column = w.x0; column < w.x1; ++column) {
            const float value = image[row * p.in_width + column];
            if (!(value > best)) continue;
            best = value;
            where = (row - w.top) * p.kernel_width + column - w.left;
          }
        }
        y[at] = best;
        if (window_index != nullptr) window_index[at] = static_cast<uint8_t>(where);
      });
}

void max_pool_backward(const Pool2d& p, const float* dy, const uint8_t* window_index, float* dx,
                       Worker& worker) {
  if (halves(p)) return max_pool_halves_backward(p, dy, window_index, dx, worker);
  const int64_t area = p.in_height * p.in_width;
  for_windows(
      p, worker, [&](int64_t plane) { std::fill_n(dx + plane * area, area, 0.0f); },
      [&](int64_t plane, int64_t at, const Window& w) {
        const int64_t row = w.top + window_index[at] / p.kernel_width;
        const int64_t column = w.left + window_index[at] % p.kernel_width;
        dx[plane * area + row * p.in_width + column] += dy[at];
      });
}

void avg_pool(const Pool2d& p, const float* x, float* y, Worker& worker) {
  for_windows(
      p, worker, [](int64_t) {},
      [&](int64_t plane, int64_t at, const Window& w) {
        const float* image = x + plane * p.in_height * p.in_width;
        float sum = 0;
        for (int64_t row = w.y0; row < w.y1; ++row) {
          for (int64_t column = w.x0; column < w.x1; ++column)
            sum += image[row * p.in_width + column];
        }
        y[at] = sum * share_of(p, w);
      });
}

void avg_pool_backward(const Pool2d& p, const float* dy, float* dx, Worker& worker) {
  const int64_t area = p.in_height * p.in_width;
  for_windows(
      p, worker, [&](int64_t plane) { std::fill_n(dx + plane * area, area, 0.0f); },
      [&](int64_t plane, int64_t at, const Window& w) {
        float* image = dx + plane * area;
        const float share = dy[at] * share_of(p, w);
        for (int64_t row = w.y0; row < w.y1; ++row) {
          for (int64_t column = w.x0; column < w.x1; ++column) {
            image[row * p.in_width + column] += share;
          }
        }
      });
}

}  // namespace verge::kernels
