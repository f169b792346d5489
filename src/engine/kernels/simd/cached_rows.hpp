#pragma once
// Decode attention's two passes over cached rows: scores against keys, and the weighted sum of
// values. Up to four query heads share each row that is read, so that the pass runs at the speed
// of the memory.

#include <verge/engine/kernels/simd/stored.hpp>

namespace verge::kernels::VERGE_ISA {

constexpr int64_t kSharedHeads = 4;

/// Pages lie anywhere, so the hardware cannot know the next one: while a row is read, its
/// counterpart in the next page is fetched.
VERGE_INLINE void fetch_row(const uint8_t* row, int64_t bytes) {
  for (int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(row + at);
}

/// Scores of Tokens rows at once, so that a query is loaded once for all of them.
template <typename Stored, int Heads, int Tokens>
VERGE_INLINE void key_scores_block(int64_t head_dim, const float* q, const uint8_t* keys,
                                   int64_t row_bytes, float* scores, int64_t score_stride) {
  // What does not fill a vector is decoded before the loop: a call within it would keep the sums in
  // memory.
  const int64_t whole = head_dim / kLanes * kLanes;
  alignas(64) float rest[Tokens][kLanes];
  for (int t = 0; t < Tokens && whole < head_dim; ++t) {
    stored_lanes<Stored>(keys + t * row_bytes, whole, head_dim - whole, rest[t]);
  }
  F32 acc[Heads][Tokens] = {};
  for (int64_t i = 0; i < whole; i += kLanes) {
    F32 key[Tokens];
#pragma GCC unroll 4
    for (int t = 0; t < Tokens; ++t) key[t] = Stored::load(keys + t * row_bytes, i);
#pragma GCC unroll 4
    for (int h = 0; h < Heads; ++h) {
      const F32 query = load(q + h * head_dim + i);
#pragma GCC unroll 4
      for (int t = 0; t < Tokens; ++t) acc[h][t] = fma(query, key[t], acc[h][t]);
    }
  }
  if (whole < head_dim) {
#pragma GCC unroll 4
    for (int t = 0; t < Tokens; ++t) {
      const F32 key = load(rest[t]);
#pragma GCC unroll 4
      for (int h = 0; h < Heads; ++h) {
        acc[h][t] = fma(load_some(q + h * head_dim + whole, head_dim - whole), key, acc[h][t]);
      }
    }
  }
#pragma GCC unroll 4
  for (int h = 0; h < Heads; ++h) {
    if constexpr (Tokens == 4) {
      sum_lanes_of_four(acc[h][0], acc[h][1], acc[h][2], acc[h][3], scores + h * score_stride);
    } else {
#pragma GCC unroll 4
      for (int t = 0; t < Tokens; ++t) scores[h * score_stride + t] = sum_lanes(acc[h][t]);
    }
  }
}

template <typename Stored, int Heads>
VERGE_INLINE void key_scores_of(int64_t head_dim, const float* q, int64_t count,
                                const uint8_t* keys, int64_t row_bytes, const uint8_t* next,
                                float* scores, int64_t score_stride) {
  constexpr int kTokens = kLanes == 16 ? 4 : 2;
  int64_t t = 0;
  for (; t + kTokens <= count; t += kTokens) {
    fetch_row(next + t * row_bytes, kTokens * row_bytes);
    key_scores_block<Stored, Heads, kTokens>(head_dim, q, keys + t * row_bytes, row_bytes,
                                             scores + t, score_stride);
  }
  for (; t < count; ++t) {
    key_scores_block<Stored, Heads, 1>(head_dim, q, keys + t * row_bytes, row_bytes, scores + t,
                                       score_stride);
  }
}

inline void key_scores(DType dtype, int64_t head_dim, int64_t heads, const float* q, int64_t count,
                       const void* keys, int64_t row_bytes, const void* next, float* scores,
                       int64_t score_stride) {
  with_stored(dtype, [&](auto stored) {
    using Stored = decltype(stored);
    const auto* rows = static_cast<const uint8_t*>(keys);
    const auto* ahead = next == nullptr ? rows : static_cast<const uint8_t*>(next);
    for (int64_t h = 0; h < heads; h += kSharedHeads) {
      const float* query = q + h * head_dim;
      float* out = scores + h * score_stride;
      switch (heads - h) {
        case 1:
          key_scores_of<Stored, 1>(head_dim, query, count, rows, row_bytes, ahead, out,
                                   score_stride);
          break;
        case 2:
          key_scores_of<Stored, 2>(head_dim, query, count, rows, row_bytes, ahead, out,
                                   score_stride);
          break;
        case 3:
          key_scores_of<Stored, 3>(head_dim, query, count, rows, row_bytes, ahead, out,
                                   score_stride);
          break;
        default:
          key_scores_of<Stored, 4>(head_dim, query, count, rows, row_bytes, ahead, out,
                                   score_stride);
      }
    }
  });
}

/// Columns [i, i + Vectors * kLanes) of the sum, for Heads heads.
template <typename Stored, int Heads, int Vectors>
VERGE_INLINE void add_columns(int64_t head_dim, const float* weights, int64_t weight_stride,
                              int64_t count, const uint8_t* values, int64_t row_bytes,
                              const uint8_t* next, int64_t i, float* out) {
  F32 acc[Heads][Vectors];
#pragma GCC unroll 4
  for (int h = 0; h < Heads; ++h) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) acc[h][v] = load(out + h * head_dim + i + v * kLanes);
  }
  for (int64_t t = 0; t < count; ++t, values += row_bytes) {
    if (i == 0) fetch_row(next + t * row_bytes, row_bytes);
    F32 weight[Heads];
#pragma GCC unroll 4
    for (int h = 0; h < Heads; ++h) weight[h] = splat(weights[h * weight_stride + t]);
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      const F32 value = Stored::load(values, i + v * kLanes);
#pragma GCC unroll 4
      for (int h = 0; h < Heads; ++h) acc[h][v] = fma(weight[h], value, acc[h][v]);
    }
  }
#pragma GCC unroll 4
  for (int h = 0; h < Heads; ++h) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) store(out + h * head_dim + i + v * kLanes, acc[h][v]);
  }
}

template <typename Stored, int Heads>
VERGE_INLINE void add_values_of(int64_t head_dim, const float* weights, int64_t weight_stride,
                                int64_t count, const uint8_t* values, int64_t row_bytes,
                                const uint8_t* next, float* out) {
  constexpr int kVectors = kLanes == 16 ? 4 : 2;
  int64_t i = 0;
  for (; i + kVectors * kLanes <= head_dim; i += kVectors * kLanes) {
    add_columns<Stored, Heads, kVectors>(head_dim, weights, weight_stride, count, values, row_bytes,
                                         next, i, out);
  }
  for (; i + kLanes <= head_dim; i += kLanes) {
    add_columns<Stored, Heads, 1>(head_dim, weights, weight_stride, count, values, row_bytes, next,
                                  i, out);
  }
  for (; i < head_dim; ++i) {
#pragma GCC unroll 4
    for (int h = 0; h < Heads; ++h) {
      for (int64_t t = 0; t < count; ++t) {
        out[h * head_dim + i] +=
            weights[h * weight_stride + t] * Stored::one(values + t * row_bytes, i);
      }
    }
  }
}

inline void add_values(DType dtype, int64_t head_dim, int64_t heads, const float* weights,
                       int64_t weight_stride, int64_t count, const void* values, int64_t row_bytes,
                       const void* next, float* out) {
  with_stored(dtype, [&](auto stored) {
    using Stored = decltype(stored);
    const auto* rows = static_cast<const uint8_t*>(values);
    const auto* ahead = next == nullptr ? rows : static_cast<const uint8_t*>(next);
    for (int64_t h = 0; h < heads; h += kSharedHeads) {
      const float* weight = weights + h * weight_stride;
      float* sum = out + h * head_dim;
      switch (heads - h) {
        case 1:
          add_values_of<Stored, 1>(head_dim, weight, weight_stride, count, rows, row_bytes, ahead,
                                   sum);
          break;
        case 2:
          add_values_of<Stored, 2>(head_dim, weight, weight_stride, count, rows, row_bytes, ahead,
                                   sum);
          break;
        case 3:
          add_values_of<Stored, 3>(head_dim, weight, weight_stride, count, rows, row_bytes, ahead,
                                   sum);
          break;
        default:
          add_values_of<Stored, 4>(head_dim, weight, weight_stride, count, rows, row_bytes, ahead,
                                   sum);
      }
    }
  });
}

}  // namespace verge::kernels::VERGE_ISA
