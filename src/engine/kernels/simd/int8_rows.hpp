#pragma once
// The loops of int8_rows.hpp, plain enough for compilers to make vectors of them. Static, as all
// that ISA folders share.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include <verge/engine/kernels/int8_rows.hpp>

namespace verge::kernels {
namespace {

// Added to a number below 2^22 it leaves the nearest whole number, half to even, in the low bits.
constexpr float kRounder = 0x1.8p23f;

inline int32_t nearest_int8(float value, float least, float most) {
  const float capped = value < most ? value : most;
  const float clipped = capped > least ? capped : least;
  return std::bit_cast<int32_t>(clipped + kRounder) - std::bit_cast<int32_t>(kRounder);
}

// Calls f(levels as their type).
template <typename F>
inline void with_levels(const LevelRow& row, F f) {
  if (row.is_signed) {
    f(reinterpret_cast<const int8_t*>(row.levels));
  } else {
    f(reinterpret_cast<const uint8_t*>(row.levels));
  }
}

// Stores what f(i) gives: its levels, or itself.
template <typename F>
inline void put_levels(int64_t n, const Requantize& how, std::byte* y, F f) {
  if (how.to == DType::F32) {
    auto* out = reinterpret_cast<float*>(y);
    for (int64_t i = 0; i < n; ++i) out[i] = f(i);
    return;
  }
  const float least = how.least, most = how.most;
  const int32_t zero = how.zero;
  auto* out = reinterpret_cast<uint8_t*>(y);
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<uint8_t>(nearest_int8(f(i), least, most) + zero);
  }
}

inline void quantize_int8_row(int64_t n, const float* x, float scale, const Requantize& how,
                              std::byte* y) {
  put_levels(n, how, y, [=](int64_t i) { return x[i] / scale; });
}

inline void dequantize_int8_row(int64_t n, const LevelRow& x, float* y) {
  const int32_t zero = x.zero;
  const float factor = x.factor;
  with_levels(x, [=](const auto* levels) {
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(int32_t{levels[i]} - zero) * factor;
  });
}

inline void add_int8_row(int64_t n, const LevelRow& a, const LevelRow& b, const Requantize& how,
                         std::byte* y) {
  const int32_t a_zero = a.zero, b_zero = b.zero;
  const float a_factor = a.factor, b_factor = b.factor;
  with_levels(a, [&](const auto* left) {
    with_levels(b, [&](const auto* right) {
      put_levels(n, how, y, [=](int64_t i) {
        const float other = static_cast<float>(int32_t{right[i]} - b_zero) * b_factor;
        return std::fma(static_cast<float>(int32_t{left[i]} - a_zero), a_factor, other);
      });
    });
  });
}

inline void multiply_int8_row(int64_t n, const LevelRow& a, const LevelRow& b,
                              const Requantize& how, std::byte* y) {
  const int32_t a_zero = a.zero, b_zero = b.zero;
  const float factor = a.factor;
  with_levels(a, [&](const auto* left) {
    with_levels(b, [&](const auto* right) {
      put_levels(n, how, y, [=](int64_t i) {
        return static_cast<float>((int32_t{left[i]} - a_zero) * (int32_t{right[i]} - b_zero)) *
               factor;
      });
    });
  });
}

inline void accumulate_int8_row(int64_t n, const LevelRow& x, int32_t* sums) {
  with_levels(x, [=](const auto* levels) {
    for (int64_t i = 0; i < n; ++i) sums[i] += levels[i];
  });
}

inline void requantize_int8_row(int64_t n, const int32_t* sums, int32_t offset, float factor,
                                const Requantize& how, std::byte* y) {
  put_levels(n, how, y, [=](int64_t i) { return static_cast<float>(sums[i] - offset) * factor; });
}

inline void largest_int8_row(int64_t n, const LevelRow& x, std::byte* y) {
  with_levels(x, [=](const auto* levels) {
    using Level = std::remove_cvref_t<decltype(*levels)>;
    auto* out = reinterpret_cast<Level*>(y);
    for (int64_t i = 0; i < n; ++i) out[i] = std::max(out[i], levels[i]);
  });
}

// Eight levels a load and a store: the table's loads are then what is left.
inline void look_up_int8_row(int64_t n, const uint8_t* table, const uint8_t* x, uint8_t* y) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t levels = 0, found = 0;
    std::memcpy(&levels, x + i, sizeof levels);
    for (int at = 0; at < 64; at += 8) found |= uint64_t{table[levels >> at & 0xFF]} << at;
    std::memcpy(y + i, &found, sizeof found);
  }
  for (; i < n; ++i) y[i] = table[x[i]];
}

inline constexpr Int8RowKernels kInt8RowLoops = {.quantize = quantize_int8_row,
                                                 .dequantize = dequantize_int8_row,
                                                 .add = add_int8_row,
                                                 .multiply = multiply_int8_row,
                                                 .accumulate = accumulate_int8_row,
                                                 .requantize = requantize_int8_row,
                                                 .largest = largest_int8_row,
                                                 .look_up = look_up_int8_row};

constexpr Int8RowKernels with_look_up(Int8RowKernels kernels,
                                      decltype(Int8RowKernels::look_up) look_up) {
  kernels.look_up = look_up;
  return kernels;
}

}  // namespace
}  // namespace verge::kernels
