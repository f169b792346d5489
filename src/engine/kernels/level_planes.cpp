#include <algorithm>
#include <cmath>

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/kernels/level_planes.hpp>

namespace verge::kernels {
namespace {

constexpr int64_t kRun = 256;  // results of a row that are summed together

void store_level(const Requantize& how, float steps, std::byte* y, int64_t at) {
  if (how.to == DType::F32) {
    reinterpret_cast<float*>(y)[at] = steps;
    return;
  }
  const float level =
      std::nearbyint(graph::clip_steps(steps, how.least, how.most)) + static_cast<float>(how.zero);
  y[at] = static_cast<std::byte>(static_cast<int>(level));
}

// Adds w * (x - zero) to the results [first, first + count) of a row whose tap lies in the image.
template <typename Level>
void add_tap(const Conv2d& c, const Level* row, int64_t shift, int32_t w, int32_t zero,
             int64_t first, int64_t count, int32_t* sums) {
  const int64_t stride = c.stride_width;
  int64_t begin = 0, end = count;
  while (begin < end && (first + begin) * stride + shift < 0) ++begin;
  while (end > begin && (first + end - 1) * stride + shift >= c.in_width) --end;
  const Level* from = row + (first + begin) * stride + shift;
  if (stride == 1) {
    for (int64_t i = begin; i < end; ++i) sums[i] += w * (int32_t{from[i - begin]} - zero);
  } else {
    for (int64_t i = begin; i < end; ++i) {
      sums[i] += w * (int32_t{from[(i - begin) * stride]} - zero);
    }
  }
}

// `count` results of one row, of all input channels of a group.
template <typename Level>
void sum_row(const Conv2d& c, const Level* x, int32_t zero, const int8_t* w, int64_t row,
             int64_t first, int64_t count, int32_t* sums) {
  std::fill_n(sums, count, 0);
  for (int64_t channel = 0; channel < c.in_channels / c.groups; ++channel) {
    const Level* plane = x + channel * c.in_height * c.in_width;
    for (int64_t ky = 0; ky < c.kernel_height; ++ky) {
      const int64_t at = row * c.stride_height - c.pad_top + ky * c.dilation_height;
      if (at < 0 || at >= c.in_height) continue;
      const int8_t* taps = w + (channel * c.kernel_height + ky) * c.kernel_width;
      for (int64_t kx = 0; kx < c.kernel_width; ++kx) {
        add_tap(c, plane + at * c.in_width, kx * c.dilation_width - c.pad_left, taps[kx], zero,
                first, count, sums);
      }
    }
  }
}

// A 1x1 convolution without padding or stride is one of a single long row.
Conv2d as_rows(const Conv2d& c) {
  Conv2d rows = c;
  if (!is_pixelwise(c)) return rows;
  rows.in_width = c.in_height * c.in_width;
  rows.in_height = 1;
  return rows;
}

// Both are below 2^30 in networks that are read; others wrap around.
int32_t with_bias(int32_t sum, int32_t bias) {
  return static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(bias));
}

template <typename Level>
void convolve(const Conv2d& c, const Level* x, int32_t zero, const int8_t* w, const Requantize& how,
              std::byte* y, Worker& worker) {
  const int64_t in_group = c.in_channels / c.groups, out_group = c.out_channels / c.groups;
  const int64_t kernel = in_group * c.kernel_height * c.kernel_width;
  const int64_t height = c.out_height(), width = c.out_width();
  int32_t sums[kRun];
  for (int64_t i = worker.claim(); i < c.batch * c.out_channels; i = worker.claim()) {
    const int64_t out = i % c.out_channels, n = i / c.out_channels;
    const Level* group =
        x + (n * c.in_channels + out / out_group * in_group) * c.in_height * c.in_width;
    const int32_t bias = how.bias == nullptr ? 0 : how.bias[out];
    for (int64_t row = 0; row < height; ++row) {
      for (int64_t first = 0; first < width; first += kRun) {
        const int64_t count = std::min(kRun, width - first);
        sum_row(c, group, zero, w + out * kernel, row, first, count, sums);
        for (int64_t j = 0; j < count; ++j) {
          store_level(how, static_cast<float>(with_bias(sums[j], bias)) * how.multiplier[out], y,
                      (i * height + row) * width + first + j);
        }
      }
    }
  }
}

// Calls body(plane, result, tap, level) for each element of each window of this worker's planes,
// after begin(result) and before end(result).
template <typename Level, typename Begin, typename Body, typename End>
void for_window_levels(const Pool2d& p, const Level* x, Worker& worker, Begin begin, Body body,
                       End end) {
  const int64_t height = p.out_height(), width = p.out_width();
  const auto [first, last] = worker.split(p.planes * height * width);
  for (int64_t i = first; i < last; ++i) {
    const Level* plane = x + i / (height * width) * p.in_height * p.in_width;
    const int64_t top = i / width % height * p.stride_height - p.pad_top;
    const int64_t left = i % width * p.stride_width - p.pad_left;
    begin(i);
    for (int64_t ky = 0; ky < p.kernel_height; ++ky) {
      if (top + ky < 0 || top + ky >= p.in_height) continue;
      for (int64_t kx = 0; kx < p.kernel_width; ++kx) {
        if (left + kx < 0 || left + kx >= p.in_width) continue;
        body(ky * p.kernel_width + kx, int32_t{plane[(top + ky) * p.in_width + left + kx]});
      }
    }
    end(i);
  }
}

template <typename Level>
void largest(const Pool2d& p, const Level* x, std::byte* y, uint8_t* index, Worker& worker) {
  int32_t best = 0;
  int64_t at = 0;
  for_window_levels(
      p, x, worker,
      [&](int64_t) {
        best = -1000;
        at = 0;
      },
      [&](int64_t tap, int32_t level) {
        if (level <= best) return;
        best = level;
        at = tap;
      },
      [&](int64_t i) {
        y[i] = static_cast<std::byte>(best);
        if (index != nullptr) index[i] = static_cast<uint8_t>(at);
      });
}

template <typename Level>
void mean(const Pool2d& p, const Level* x, int32_t zero, double multiplier, const Requantize& how,
          std::byte* y, Worker& worker) {
  int32_t sum = 0;
  int64_t count = 0;
  for_window_levels(
      p, x, worker,
      [&](int64_t) {
        sum = 0;
        count = 0;
      },
      [&](int64_t, int32_t level) {
        sum += level - zero;
        ++count;
      },
      [&](int64_t i) {
        if (p.count_padding) count = p.kernel_height * p.kernel_width;
        const double factor = count > 0 ? multiplier / static_cast<double>(count) : 0;
        store_level(how, static_cast<float>(sum) * static_cast<float>(factor), y, i);
      });
}

}  // namespace

void conv2d_level_planes(const Conv2d& conv, const LevelImage& x, const int8_t* w,
                         const Requantize& how, std::byte* y, Worker& worker) {
  const Conv2d c = as_rows(conv);
  if (x.is_signed) {
    convolve(c, static_cast<const int8_t*>(x.levels), x.zero, w, how, y, worker);
  } else {
    convolve(c, static_cast<const uint8_t*>(x.levels), x.zero, w, how, y, worker);
  }
}

void max_pool_levels(const Pool2d& pool, const LevelImage& x, std::byte* y, uint8_t* window_index,
                     Worker& worker) {
  if (x.is_signed) {
    largest(pool, static_cast<const int8_t*>(x.levels), y, window_index, worker);
  } else {
    largest(pool, static_cast<const uint8_t*>(x.levels), y, window_index, worker);
  }
}

void avg_pool_levels(const Pool2d& pool, const LevelImage& x, double multiplier,
                     const Requantize& how, std::byte* y, Worker& worker) {
  if (x.is_signed) {
    mean(pool, static_cast<const int8_t*>(x.levels), x.zero, multiplier, how, y, worker);
  } else {
    mean(pool, static_cast<const uint8_t*>(x.levels), x.zero, multiplier, how, y, worker);
  }
}

}  // namespace verge::kernels
