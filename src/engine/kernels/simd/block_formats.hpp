#pragma once
// The packed block formats on vectors of rows: each struct opens one block of a row group and loads
// its sub-blocks of 32 columns as unsigned bytes with float scales. Word w of a block is vector w:
// lane r is row r. Byte c of lane r in q[v] is the value of row r at column 4 v + c.

#include <verge/engine/kernels/simd/vec.hpp>

namespace verge::kernels::VERGE_ISA {

typedef uint32_t U32 __attribute__((vector_size(4 * VERGE_LANES)));
typedef uint32_t U32Memory __attribute__((vector_size(4 * VERGE_LANES), aligned(2), may_alias));

template <bool kWithMin, bool kPer16Columns>
struct SubBlock {
  static constexpr bool kMin = kWithMin;         // x = scale * q + min, else scale * (q - zero)
  static constexpr bool kPer16 = kPer16Columns;  // scale[0] for columns 0-15, scale[1] for 16-31
  U32 q[8];
  F32 scale[kPer16Columns ? 2 : 1];
  F32 min[kPer16Columns ? 2 : 1];
};
using Plain = SubBlock<false, false>;
using PlainPer16 = SubBlock<false, true>;
using WithMin = SubBlock<true, false>;
using WithMinPer16 = SubBlock<true, true>;

/// Rows `row` to row + kLanes - 1 of a packed block.
struct BlockRows {
  const uint8_t* block;
  int row;

  /// The lone scales at the start of a block.
  VERGE_INLINE F32 halves() const {
    return load_f16(reinterpret_cast<const uint16_t*>(block) + row);
  }
  /// Where the words begin, with or without lone scales before them.
  VERGE_INLINE const uint8_t* words() const { return block + 4 * row; }
  VERGE_INLINE const uint8_t* words_after_halves() const { return block + 32 + 4 * row; }
};

VERGE_INLINE U32 word(const uint8_t* words, int w) {
  return *reinterpret_cast<const U32Memory*>(words + 64 * w);
}
VERGE_INLINE F32 low_halves(U32 w) {
#if VERGE_LANES == 16
  return (F32)_mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)w));
#elif defined(__ARM_NEON)
  return vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(w)));
#else
  const __m256i packed = _mm256_packus_epi32((__m256i)(w & 0xffff), _mm256_setzero_si256());
  return (F32)_mm256_cvtph_ps(_mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08)));
#endif
}
VERGE_INLINE F32 high_halves(U32 w) {
  return low_halves(w >> 16);
}

/// Bits `from`.. of every byte moved to `to`..; what else the bytes then hold must be masked off.
VERGE_INLINE U32 move_bits(U32 w, int from, int to) {
#if VERGE_LANES == 16
  return (U32)_mm512_rorv_epi32((__m512i)w, _mm512_set1_epi32(from - to));
#else
  return w >> from << to;
#endif
}
VERGE_INLINE U32 mask_bits(U32 w, uint32_t mask) {
  return w & mask * 0x01010101u;
}
/// (a & mask in every byte) | b
VERGE_INLINE U32 masked_or(U32 a, uint32_t mask, U32 b) {
#if VERGE_LANES == 16
  const __m512i bits = _mm512_set1_epi32(static_cast<int>(mask * 0x01010101u));
  return (U32)_mm512_ternarylogic_epi32((__m512i)a, bits, (__m512i)b, 0xEA);
#else
  return mask_bits(a, mask) | b;
#endif
}
VERGE_INLINE F32 to_floats(I32 x) {
  return __builtin_convertvector(x, F32);
}
VERGE_INLINE F32 unsigned_byte(U32 w, int byte) {
  return to_floats((I32)(w >> (8 * byte) & 0xff));
}
VERGE_INLINE F32 signed_byte(U32 w, int byte) {
  return to_floats((I32)(w << (24 - 8 * byte)) >> 24);
}

/// Four words of nibbles: columns 0-15 low, 16-31 high.
VERGE_INLINE void load_nibbles(const uint8_t* words, U32 (&q)[8]) {
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) {
    const U32 w = word(words, v);
    q[v] = mask_bits(w, 0x0f);
    q[v + 4] = mask_bits(w >> 4, 0x0f);
  }
}
VERGE_INLINE void add_fifth_bits(U32 fifth, U32 (&q)[8]) {
#pragma GCC unroll 8
  for (int v = 0; v < 8; ++v) q[v] = masked_or(move_bits(fifth, v, 4), 0x10, q[v]);
}
/// Nibbles to the values of IQ4 (engine/quant/blocks.hpp), plus 128.
VERGE_INLINE void look_up_iq4(U32 (&q)[8]) {
  alignas(16) constexpr uint8_t kValues[] = {1,   24,  45,  63,  79,  93,  106, 118,
                                             129, 141, 153, 166, 181, 197, 217, 241};
#if defined(__ARM_NEON)
  const uint8x16_t values = vld1q_u8(kValues);
#else
  const __m128i values = _mm_load_si128(reinterpret_cast<const __m128i*>(kValues));
#endif
#pragma GCC unroll 8
  for (int v = 0; v < 8; ++v) {
#if VERGE_LANES == 16
    q[v] = (U32)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), (__m512i)q[v]);
#elif defined(__ARM_NEON)
    q[v] = vreinterpretq_u32_u8(vqtbl1q_u8(values, vreinterpretq_u8_u32(q[v])));
#else
    q[v] = (U32)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), (__m256i)q[v]);
#endif
  }
}
/// Two-bit fields in the order that Q2_K, Q3_K and TQ2_0 share.
VERGE_INLINE U32 load_pair(const uint8_t* pairs, int sub, int v) {
  return mask_bits(move_bits(word(pairs, 8 * (sub >> 2) + v), 2 * (sub & 3), 0), 0x03);
}

// Each format: kBytes of a packed block; the zero point is 128 >> kZeroShift.

struct Q4_0 {
  using Sub = Plain;
  static constexpr int kSubBlocks = 1, kBytes = 18 * 16, kZeroShift = 4;
  BlockRows rows;
  VERGE_INLINE explicit Q4_0(BlockRows block) : rows(block) {}
  VERGE_INLINE void load(int, Sub& s) const {
    s.scale[0] = rows.halves();
    load_nibbles(rows.words_after_halves(), s.q);
  }
};

struct Iq4Nl {
  using Sub = Plain;
  static constexpr int kSubBlocks = 1, kBytes = 18 * 16, kZeroShift = 0;
  BlockRows rows;
  VERGE_INLINE explicit Iq4Nl(BlockRows block) : rows(block) {}
  VERGE_INLINE void load(int, Sub& s) const {
    s.scale[0] = rows.halves();
    load_nibbles(rows.words_after_halves(), s.q);
    look_up_iq4(s.q);
  }
};

struct Q4_1 {
  using Sub = WithMin;
  static constexpr int kSubBlocks = 1, kBytes = 20 * 16, kZeroShift = 0;
  BlockRows rows;
  VERGE_INLINE explicit Q4_1(BlockRows block) : rows(block) {}
  VERGE_INLINE void load(int, Sub& s) const {
    const uint8_t* words = rows.words();
    s.scale[0] = low_halves(word(words, 0));
    s.min[0] = high_halves(word(words, 0));
    load_nibbles(words + 64, s.q);
  }
};

struct Q5_0 {
  using Sub = Plain;
  static constexpr int kSubBlocks = 1, kBytes = 22 * 16, kZeroShift = 3;
  BlockRows rows;
  VERGE_INLINE explicit Q5_0(BlockRows block) : rows(block) {}
  VERGE_INLINE void load(int, Sub& s) const {
    const uint8_t* words = rows.words_after_halves();
    s.scale[0] = rows.halves();
    load_nibbles(words + 64, s.q);
    add_fifth_bits(word(words, 0), s.q);
  }
};

struct Q5_1 {
  using Sub = WithMin;
  static constexpr int kSubBlocks = 1, kBytes = 24 * 16, kZeroShift = 0;
  BlockRows rows;
  VERGE_INLINE explicit Q5_1(BlockRows block) : rows(block) {}
  VERGE_INLINE void load(int, Sub& s) const {
    const uint8_t* words = rows.words();
    s.scale[0] = low_halves(word(words, 0));
    s.min[0] = high_halves(word(words, 0));
    load_nibbles(words + 128, s.q);
    add_fifth_bits(word(words, 1), s.q);
  }
};

struct Q8_0 {
  using Sub = Plain;
  static constexpr int kSubBlocks = 1, kBytes = 34 * 16, kZeroShift = 0;
  BlockRows rows;
  VERGE_INLINE explicit Q8_0(BlockRows block) : rows(block) {}
  VERGE_INLINE void load(int, Sub& s) const {
    s.scale[0] = rows.halves();
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) s.q[v] = word(rows.words_after_halves(), v) ^ 0x80808080u;
  }
};

/// The head of Q4_K and Q5_K: eight 6-bit scales and minimums a row, in bytes again.
struct KHead {
  F32 d, minus_dmin;
  U32 scales[2], mins[2];
  VERGE_INLINE explicit KHead(const uint8_t* words) {
    d = low_halves(word(words, 0));
    minus_dmin = -high_halves(word(words, 0));
    const U32 s0 = word(words, 1), s1 = word(words, 2), s2 = word(words, 3);
    scales[0] = mask_bits(s0, 0x3f);
    mins[0] = mask_bits(s1, 0x3f);
    scales[1] = masked_or(s0 >> 2, 0x30, mask_bits(s2, 0x0f));
    mins[1] = masked_or(s1 >> 2, 0x30, mask_bits(s2 >> 4, 0x0f));
  }
  VERGE_INLINE void load(int sub, WithMin& s) const {
    s.scale[0] = d * unsigned_byte(scales[sub >> 2], sub & 3);
    s.min[0] = minus_dmin * unsigned_byte(mins[sub >> 2], sub & 3);
  }
};

struct Q4_K {
  using Sub = WithMin;
  static constexpr int kSubBlocks = 8, kBytes = 144 * 16, kZeroShift = 0;
  const uint8_t* words;
  KHead head;
  VERGE_INLINE explicit Q4_K(BlockRows block) : words(block.words()), head(words) {}
  VERGE_INLINE void load(int sub, Sub& s) const {
    head.load(sub, s);
    const uint8_t* nibbles = words + 64 * (4 + 8 * (sub >> 1));
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) s.q[v] = mask_bits(word(nibbles, v) >> 4 * (sub & 1), 0x0f);
  }
};

struct Q5_K {
  using Sub = WithMin;
  static constexpr int kSubBlocks = 8, kBytes = 176 * 16, kZeroShift = 0;
  const uint8_t* words;
  KHead head;
  VERGE_INLINE explicit Q5_K(BlockRows block) : words(block.words()), head(words) {}
  VERGE_INLINE void load(int sub, Sub& s) const {
    head.load(sub, s);
    const uint8_t* nibbles = words + 64 * (12 + 8 * (sub >> 1));
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) {
      const U32 low = mask_bits(word(nibbles, v) >> 4 * (sub & 1), 0x0f);
      s.q[v] = masked_or(move_bits(word(words, 4 + v), sub, 4), 0x10, low);
    }
  }
};

struct Q6_K {
  using Sub = PlainPer16;
  static constexpr int kSubBlocks = 8, kBytes = 210 * 16, kZeroShift = 2;
  const uint8_t* words;
  F32 d;
  VERGE_INLINE explicit Q6_K(BlockRows block)
      : words(block.words_after_halves()), d(block.halves()) {}
  VERGE_INLINE void load(int sub, Sub& s) const {
    const U32 scales = word(words, 48 + (sub >> 1));
    s.scale[0] = d * signed_byte(scales, 2 * (sub & 1));
    s.scale[1] = d * signed_byte(scales, 2 * (sub & 1) + 1);
    const int half = sub >> 2, quarter = sub & 3;
    const uint8_t* low = words + 64 * (16 * half + 8 * (quarter & 1));
    const uint8_t* high = words + 64 * (32 + 8 * half);
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) {
      const U32 nibble = mask_bits(word(low, v) >> 4 * (quarter >> 1), 0x0f);
      s.q[v] = masked_or(move_bits(word(high, v), 2 * quarter, 4), 0x30, nibble);
    }
  }
};

struct Q2_K {
  using Sub = WithMinPer16;
  static constexpr int kSubBlocks = 8, kBytes = 84 * 16, kZeroShift = 0;
  const uint8_t* words;
  F32 d, minus_dmin;
  VERGE_INLINE explicit Q2_K(BlockRows block)
      : words(block.words()),
        d(low_halves(word(words, 20))),
        minus_dmin(-high_halves(word(words, 20))) {}
  VERGE_INLINE void load(int sub, Sub& s) const {
    const U32 packed = word(words, sub >> 1);
    for (int half = 0; half < 2; ++half) {
      const int byte = 2 * (sub & 1) + half;
      s.scale[half] = d * unsigned_byte(mask_bits(packed, 0x0f), byte);
      s.min[half] = minus_dmin * unsigned_byte(mask_bits(packed >> 4, 0x0f), byte);
    }
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) s.q[v] = load_pair(words + 64 * 4, sub, v);
  }
};

struct Q3_K {
  using Sub = PlainPer16;
  static constexpr int kSubBlocks = 8, kBytes = 110 * 16, kZeroShift = 5;
  const uint8_t* words;
  F32 d;
  U32 scales[4];
  VERGE_INLINE explicit Q3_K(BlockRows block)
      : words(block.words_after_halves()), d(block.halves()) {
    const U32 low[2] = {word(words, 24), word(words, 25)};
    const U32 high = word(words, 26);
    for (int i = 0; i < 4; ++i) {
      scales[i] =
          masked_or(move_bits(high, 2 * i, 4), 0x30, mask_bits(low[i & 1] >> 4 * (i >> 1), 0x0f));
    }
  }
  VERGE_INLINE void load(int sub, Sub& s) const {
    for (int half = 0; half < 2; ++half) {
      s.scale[half] = d * (unsigned_byte(scales[sub >> 1], 2 * (sub & 1) + half) - 32.0f);
    }
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) {
      const U32 third = move_bits(word(words, v), sub, 2);
      s.q[v] = masked_or(third, 0x04, load_pair(words + 64 * 8, sub, v));
    }
  }
};

struct Iq4Xs {
  using Sub = Plain;
  static constexpr int kSubBlocks = 8, kBytes = 136 * 16, kZeroShift = 0;
  const uint8_t* words;
  F32 d;
  VERGE_INLINE explicit Iq4Xs(BlockRows block)
      : words(block.words()), d(low_halves(word(words, 0))) {}
  VERGE_INLINE void load(int sub, Sub& s) const {
    const U32 low = word(words, 1) >> 4 * sub & 0x0f;
    const U32 high = word(words, 0) >> (16 + 2 * sub) & 0x03;
    s.scale[0] = d * (to_floats((I32)(low | high << 4)) - 32.0f);
    load_nibbles(words + 64 * (2 + 4 * sub), s.q);
    look_up_iq4(s.q);
  }
};

struct Tq2_0 {
  using Sub = Plain;
  static constexpr int kSubBlocks = 8, kBytes = 66 * 16, kZeroShift = 7;
  BlockRows rows;
  VERGE_INLINE explicit Tq2_0(BlockRows block) : rows(block) {}
  VERGE_INLINE void load(int sub, Sub& s) const {
    s.scale[0] = rows.halves();
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) s.q[v] = load_pair(rows.words_after_halves(), sub, v);
  }
};

/// run.operator()<Format>() with the format of a quantized type.
template <class Run>
VERGE_INLINE void with_format(DType dtype, Run&& run) {
  switch (dtype) {
    case DType::Q4_0:
      return run.template operator()<Q4_0>();
    case DType::Q4_1:
      return run.template operator()<Q4_1>();
    case DType::Q5_0:
      return run.template operator()<Q5_0>();
    case DType::Q5_1:
      return run.template operator()<Q5_1>();
    case DType::Q8_0:
      return run.template operator()<Q8_0>();
    case DType::IQ4_NL:
      return run.template operator()<Iq4Nl>();
    case DType::Q2_K:
      return run.template operator()<Q2_K>();
    case DType::Q3_K:
      return run.template operator()<Q3_K>();
    case DType::Q4_K:
      return run.template operator()<Q4_K>();
    case DType::Q5_K:
      return run.template operator()<Q5_K>();
    case DType::Q6_K:
      return run.template operator()<Q6_K>();
    case DType::IQ4_XS:
      return run.template operator()<Iq4Xs>();
    case DType::TQ2_0:
      return run.template operator()<Tq2_0>();
    default:
      __builtin_unreachable();
  }
}

}  // namespace verge::kernels::VERGE_ISA
