#if defined(__x86_64__)
#define VERGE_ISA avx512
#define VERGE_LANES 16
#include <verge/engine/kernels/avx512/panel_product.hpp>
#include <verge/engine/kernels/simd/token_sum.hpp>

namespace verge::kernels::avx512 {
namespace {

// 512 columns of 32 rows: 20 KiB of the 32 KiB first-level cache.
constexpr int kPanelSubs = 16;

// The next panel's weights, which arrive while this one is multiplied: asked for a few lines at a
// time, for the processor waits when too many are under way.
struct Ahead {
  const uint8_t* rows[kTileGroups];
  int bytes;  // of each
  int lines;  // at a time
  int at = 0;

  VERGE_INLINE void fetch() {
    for (int i = 0; i < lines && at < bytes; ++i, at += 64) {
#pragma GCC unroll 2
      for (int g = 0; g < kTileGroups; ++g) __builtin_prefetch(rows[g] + at, 0, 2);
    }
  }
};

template <class Sub>
struct Panel {
  Sub subs[kPanelSubs][kTileGroups];
  int count;
  __m128i zero_shift;
  bool first;  // nothing is in the sums yet
  Ahead ahead;
};

struct Tokens {
  const uint8_t* x;
  int64_t stride;
  float* out;

  const ActivationBlock& block(int token) const {
    return *reinterpret_cast<const ActivationBlock*>(x + token * stride);
  }
};

// The 16 columns from 16 * half on, of all rows and tokens in registers.
template <class Sub, int kGroups, int kTokens>
VERGE_INLINE void dot_half(const Sub* s, int half, const Tokens& tokens,
                           I32 (&sum)[kGroups][kTokens]) {
#pragma GCC unroll 4
  for (int v = 4 * half; v < 4 * half + 4; ++v) {
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const int32_t x = four_bytes(tokens.block(t).q + 4 * v);
#pragma GCC unroll 2
      for (int g = 0; g < kGroups; ++g) sum[g][t] = dot_word(s[g].q[v], x, sum[g][t]);
    }
  }
}

template <class Sub, int kGroups, int kTokens>
VERGE_INLINE void start_sums(const Tokens& tokens, int half, __m128i zero_shift,
                             I32 (&sum)[kGroups][kTokens]) {
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
    const __m512i correction = _mm512_set1_epi32(correction_of<Sub>(tokens.block(t), half));
    const I32 start = Sub::kMin ? I32{} : (I32)_mm512_sra_epi32(correction, zero_shift);
#pragma GCC unroll 2
    for (int g = 0; g < kGroups; ++g) sum[g][t] = start;
  }
}

template <class Sub, int kGroups, int kTokens>
VERGE_INLINE void add_sub_block(const Sub* s, const Tokens& tokens, __m128i zero_shift,
                                F32 (&y)[kGroups][kTokens]) {
  F32 value[kGroups][kTokens] = {};
#pragma GCC unroll 2
  for (int half = 0; half < (Sub::kPer16 ? 2 : 1); ++half) {
    I32 sum[kGroups][kTokens];
    start_sums<Sub>(tokens, half, zero_shift, sum);
    dot_half(s, half, tokens, sum);
    if (!Sub::kPer16) dot_half(s, 1, tokens, sum);
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const float x_sum = sum_of<Sub>(tokens.block(t), half);
#pragma GCC unroll 2
      for (int g = 0; g < kGroups; ++g) {
        value[g][t] = scale_half(s[g], half, sum[g][t], x_sum, value[g][t]);
      }
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 2
    for (int g = 0; g < kGroups; ++g) {
      y[g][t] = fma(value[g][t], splat(tokens.block(t).d), y[g][t]);
    }
  }
}

template <class Sub, int kGroups, int kTokens>
void multiply(Panel<Sub>& panel, Tokens tokens) {
  constexpr int kWidth = 16 * kGroups;
  F32 y[kGroups][kTokens];
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 2
    for (int g = 0; g < kGroups; ++g) {
      y[g][t] = panel.first ? F32{} : load(tokens.out + t * kWidth + 16 * g);
    }
  }
  for (int sub = 0; sub < panel.count; ++sub) {
    panel.ahead.fetch();
    add_sub_block<Sub, kGroups, kTokens>(panel.subs[sub], tokens, panel.zero_shift, y);
    tokens.x += sizeof(ActivationBlock);
  }
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 2
    for (int g = 0; g < kGroups; ++g) store(tokens.out + t * kWidth + 16 * g, y[g][t]);
  }
}

template <class Sub, int kGroups, int kMost>
void multiply_some(Panel<Sub>& panel, const Tokens& tokens, int count) {
  if (count == kMost) return multiply<Sub, kGroups, kMost>(panel, tokens);
  if constexpr (kMost > 1) multiply_some<Sub, kGroups, kMost - 1>(panel, tokens, count);
}

// As few tiles of at most kMost tokens as hold all, and as even: a small tile waits for its sums.
template <class Sub, int kGroups, int kMost>
void multiply_all(Panel<Sub>& panel, Tokens tokens, int count) {
  int tiles = (count + kMost - 1) / kMost;
  const int steps = tiles * panel.count;
  panel.ahead.lines = (panel.ahead.bytes / 64 + steps - 1) / steps;
  for (; tiles > 0; --tiles) {
    const int now = (count + tiles - 1) / tiles;
    multiply_some<Sub, kGroups, kMost>(panel, tokens, now);
    tokens.x += now * tokens.stride;
    tokens.out += now * 16 * kGroups;
    count -= now;
  }
}

template <class Format, int kGroups>
void panel_groups(const ProductTile& tile) {
  using Sub = typename Format::Sub;
  // A scale per 16 columns needs a second set of sums: fewer tokens fit the 32 registers.
  constexpr int kTokens = Sub::kPer16 ? 4 : 6;
  constexpr int kPanelBlocks = kPanelSubs / Format::kSubBlocks;
  Panel<Sub> panel;
  panel.zero_shift = _mm_cvtsi32_si128(Format::kZeroShift);
  const int64_t blocks = tile.cols / (32 * Format::kSubBlocks);
  Tokens tokens{tile.activations, tile.activation_stride, tile.out};
  for (int64_t first = 0; first < blocks; first += kPanelBlocks) {
    const int count =
        static_cast<int>(blocks - first < kPanelBlocks ? blocks - first : kPanelBlocks);
    for (int g = 0; g < kGroups; ++g) {
      const uint8_t* weights = tile.weights + g * tile.weight_stride + first * Format::kBytes;
      for (int block = 0; block < count; ++block) {
        const Format format(BlockRows{weights + block * Format::kBytes, 0});
        for (int sub = 0; sub < Format::kSubBlocks; ++sub) {
          format.load(sub, panel.subs[block * Format::kSubBlocks + sub][g]);
        }
      }
    }
    // After the last panel of these rows come the next ones, as in the unit that they are of.
    const int64_t next =
        first + count < blocks ? (first + count) * Format::kBytes : kGroups * tile.weight_stride;
    panel.ahead = {{tile.weights + next, tile.weights + next + (kGroups - 1) * tile.weight_stride},
                   kPanelBlocks * Format::kBytes,
                   0};
    panel.count = count * Format::kSubBlocks;
    panel.first = first == 0;
    multiply_all<Sub, kGroups, kTokens>(panel, tokens, tile.tokens);
    tokens.x += panel.count * sizeof(ActivationBlock);
  }
}

}  // namespace

void panel_product(const ProductTile& tile) {
  with_format(tile.dtype, [&]<class Format>() {
    if (tile.groups == 2) {
      panel_groups<Format, 2>(tile);
    } else {
      panel_groups<Format, 1>(tile);
    }
  });
}

}  // namespace verge::kernels::avx512
#endif
