#pragma once
// The packed block formats as AVX-512 sees them: each struct opens one block of 16 rows and loads
// its sub-blocks of 32 columns as unsigned bytes with float scales. Word w of a block is vector w:
// lane r is row r. Byte c of lane r in q[v] is the value of row r at column 4 v + c.

#include <cstdint>

#include <immintrin.h>

namespace verge::kernels::avx512 {
namespace {

template <bool kWithMin, bool kPer16Columns>
struct SubBlock {
  static constexpr bool kMin = kWithMin;         // x = scale * q + min, else scale * (q - zero)
  static constexpr bool kPer16 = kPer16Columns;  // scale[0] for columns 0-15, scale[1] for 16-31
  __m512i q[8];
  __m512 scale[kPer16Columns ? 2 : 1];
  __m512 min[kPer16Columns ? 2 : 1];
};
using Plain = SubBlock<false, false>;
using PlainPer16 = SubBlock<false, true>;
using WithMin = SubBlock<true, false>;
using WithMinPer16 = SubBlock<true, true>;

inline __m512i word(const uint8_t* words, int w) {
  return _mm512_loadu_si512(words + 64 * w);
}

inline __m512 halves(const uint8_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline __m512 low_halves(__m512i w) {
  return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(w));
}
inline __m512 high_halves(__m512i w) {
  return low_halves(_mm512_srli_epi32(w, 16));
}

// Bits `from`.. of every byte moved to `to`..; what else the bytes then hold must be masked off.
inline __m512i move_bits(__m512i w, int from, int to) {
  return _mm512_rorv_epi32(w, _mm512_set1_epi32(from - to));
}
inline __m512i mask_bits(__m512i w, int mask) {
  return _mm512_and_si512(w, _mm512_set1_epi8(static_cast<char>(mask)));
}
// (a & mask) | b
inline __m512i masked_or(__m512i a, int mask, __m512i b) {
  return _mm512_ternarylogic_epi32(a, _mm512_set1_epi8(static_cast<char>(mask)), b, 0xEA);
}
inline __m512 unsigned_byte(__m512i w, int byte) {
  const __m512i shifted = _mm512_srlv_epi32(w, _mm512_set1_epi32(8 * byte));
  return _mm512_cvtepi32_ps(_mm512_and_si512(shifted, _mm512_set1_epi32(0xff)));
}
inline __m512 signed_byte(__m512i w, int byte) {
  const __m512i top = _mm512_sllv_epi32(w, _mm512_set1_epi32(24 - 8 * byte));
  return _mm512_cvtepi32_ps(_mm512_srai_epi32(top, 24));
}

// Four words of nibbles: columns 0-15 low, 16-31 high.
inline void load_nibbles(const uint8_t* words, __m512i (&q)[8]) {
  for (int v = 0; v < 4; ++v) {
    const __m512i w = word(words, v);
    q[v] = mask_bits(w, 0x0f);
    q[v + 4] = mask_bits(_mm512_srli_epi16(w, 4), 0x0f);
  }
}

// kZeroShift: the zero point is 128 >> kZeroShift.
struct Q4_0 {
  using Sub = Plain;
  static constexpr int kSubBlocks = 1, kBytes = 18 * 16, kZeroShift = 4;
  const uint8_t* block;
  explicit Q4_0(const uint8_t* p) : block(p) {}
  void load(int, Sub& s) const {
    s.scale[0] = halves(block);
    load_nibbles(block + 32, s.q);
  }
};

struct Iq4Nl {
  using Sub = Plain;
  static constexpr int kSubBlocks = 1, kBytes = 18 * 16, kZeroShift = 0;
  const uint8_t* block;
  explicit Iq4Nl(const uint8_t* p) : block(p) {}
  // The values of the format, engine/quant/blocks.hpp, plus 128.
  static void look_up(__m512i (&q)[8]) {
    const __m128i values =
        _mm_setr_epi8(1, 24, 45, 63, 79, 93, 106, 118, -127, -115, -103, -90, -75, -59, -39, -15);
    const __m512i table = _mm512_broadcast_i32x4(values);
    for (int v = 0; v < 8; ++v) q[v] = _mm512_shuffle_epi8(table, q[v]);
  }
  void load(int, Sub& s) const {
    s.scale[0] = halves(block);
    load_nibbles(block + 32, s.q);
    look_up(s.q);
  }
};

struct Q4_1 {
  using Sub = WithMin;
  static constexpr int kSubBlocks = 1, kBytes = 20 * 16, kZeroShift = 0;
  const uint8_t* block;
  explicit Q4_1(const uint8_t* p) : block(p) {}
  void load(int, Sub& s) const {
    s.scale[0] = low_halves(word(block, 0));
    s.min[0] = high_halves(word(block, 0));
    load_nibbles(block + 64, s.q);
  }
};

inline void add_fifth_bits(__m512i fifth, __m512i (&q)[8]) {
  for (int v = 0; v < 8; ++v) q[v] = masked_or(move_bits(fifth, v, 4), 0x10, q[v]);
}

struct Q5_0 {
  using Sub = Plain;
  static constexpr int kSubBlocks = 1, kBytes = 22 * 16, kZeroShift = 3;
  const uint8_t* block;
  explicit Q5_0(const uint8_t* p) : block(p) {}
  void load(int, Sub& s) const {
    s.scale[0] = halves(block);
    load_nibbles(block + 32 + 64, s.q);
    add_fifth_bits(word(block + 32, 0), s.q);
  }
};

struct Q5_1 {
  using Sub = WithMin;
  static constexpr int kSubBlocks = 1, kBytes = 24 * 16, kZeroShift = 0;
  const uint8_t* block;
  explicit Q5_1(const uint8_t* p) : block(p) {}
  void load(int, Sub& s) const {
    s.scale[0] = low_halves(word(block, 0));
    s.min[0] = high_halves(word(block, 0));
    load_nibbles(block + 128, s.q);
    add_fifth_bits(word(block, 1), s.q);
  }
};

struct Q8_0 {
  using Sub = Plain;
  static constexpr int kSubBlocks = 1, kBytes = 34 * 16, kZeroShift = 0;
  const uint8_t* block;
  explicit Q8_0(const uint8_t* p) : block(p) {}
  void load(int, Sub& s) const {
    s.scale[0] = halves(block);
    const __m512i sign = _mm512_set1_epi8(-128);
    for (int v = 0; v < 8; ++v) s.q[v] = _mm512_xor_si512(word(block + 32, v), sign);
  }
};

// The head of Q4_K and Q5_K: eight 6-bit scales and mins a row, in bytes again.
struct KHead {
  __m512 d, dmin;
  __m512i scales[2], mins[2];
  explicit KHead(const uint8_t* block) {
    d = low_halves(word(block, 0));
    dmin = _mm512_sub_ps(_mm512_setzero_ps(), high_halves(word(block, 0)));
    const __m512i s0 = word(block, 1), s1 = word(block, 2), s2 = word(block, 3);
    scales[0] = mask_bits(s0, 0x3f);
    mins[0] = mask_bits(s1, 0x3f);
    scales[1] = masked_or(_mm512_srli_epi32(s0, 2), 0x30, mask_bits(s2, 0x0f));
    mins[1] = masked_or(_mm512_srli_epi32(s1, 2), 0x30, mask_bits(_mm512_srli_epi32(s2, 4), 0x0f));
  }
  void load(int sub, WithMin& s) const {
    s.scale[0] = _mm512_mul_ps(d, unsigned_byte(scales[sub >> 2], sub & 3));
    s.min[0] = _mm512_mul_ps(dmin, unsigned_byte(mins[sub >> 2], sub & 3));
  }
};

struct Q4_K {
  using Sub = WithMin;
  static constexpr int kSubBlocks = 8, kBytes = 144 * 16, kZeroShift = 0;
  const uint8_t* block;
  KHead head;
  explicit Q4_K(const uint8_t* p) : block(p), head(p) {}
  void load(int sub, Sub& s) const {
    head.load(sub, s);
    const uint8_t* nibbles = block + 64 * (4 + 8 * (sub >> 1));
    for (int v = 0; v < 8; ++v) {
      s.q[v] = mask_bits(move_bits(word(nibbles, v), 4 * (sub & 1), 0), 0x0f);
    }
  }
};

struct Q5_K {
  using Sub = WithMin;
  static constexpr int kSubBlocks = 8, kBytes = 176 * 16, kZeroShift = 0;
  const uint8_t* block;
  KHead head;
  explicit Q5_K(const uint8_t* p) : block(p), head(p) {}
  void load(int sub, Sub& s) const {
    head.load(sub, s);
    const uint8_t* nibbles = block + 64 * (12 + 8 * (sub >> 1));
    for (int v = 0; v < 8; ++v) {
      const __m512i low = mask_bits(move_bits(word(nibbles, v), 4 * (sub & 1), 0), 0x0f);
      s.q[v] = masked_or(move_bits(word(block, 4 + v), sub, 4), 0x10, low);
    }
  }
};

struct Q6_K {
  using Sub = PlainPer16;
  static constexpr int kSubBlocks = 8, kBytes = 210 * 16, kZeroShift = 2;
  const uint8_t* words;
  __m512 d;
  explicit Q6_K(const uint8_t* p) : words(p + 32), d(halves(p)) {}
  void load(int sub, Sub& s) const {
    const __m512i scales = word(words, 48 + (sub >> 1));
    s.scale[0] = _mm512_mul_ps(d, signed_byte(scales, 2 * (sub & 1)));
    s.scale[1] = _mm512_mul_ps(d, signed_byte(scales, 2 * (sub & 1) + 1));
    const int half = sub >> 2, quarter = sub & 3;
    const uint8_t* low = words + 64 * (16 * half + 8 * (quarter & 1));
    const uint8_t* high = words + 64 * (32 + 8 * half);
    for (int v = 0; v < 8; ++v) {
      const __m512i nibble = mask_bits(move_bits(word(low, v), 4 * (quarter >> 1), 0), 0x0f);
      s.q[v] = masked_or(move_bits(word(high, v), 2 * quarter, 4), 0x30, nibble);
    }
  }
};

// Two-bit fields in the order that Q2_K, Q3_K and TQ2_0 share.
inline __m512i load_pair(const uint8_t* pairs, int sub, int v) {
  return mask_bits(move_bits(word(pairs, 8 * (sub >> 2) + v), 2 * (sub & 3), 0), 0x03);
}

struct Q2_K {
  using Sub = WithMinPer16;
  static constexpr int kSubBlocks = 8, kBytes = 84 * 16, kZeroShift = 0;
  const uint8_t* block;
  __m512 d, dmin;
  explicit Q2_K(const uint8_t* p) : block(p) {
    d = low_halves(word(p, 20));
    dmin = _mm512_sub_ps(_mm512_setzero_ps(), high_halves(word(p, 20)));
  }
  void load(int sub, Sub& s) const {
    const __m512i packed = word(block, sub >> 1);
    const __m512i scales = mask_bits(packed, 0x0f);
    const __m512i mins = mask_bits(_mm512_srli_epi32(packed, 4), 0x0f);
    for (int half = 0; half < 2; ++half) {
      const int byte = 2 * (sub & 1) + half;
      s.scale[half] = _mm512_mul_ps(d, unsigned_byte(scales, byte));
      s.min[half] = _mm512_mul_ps(dmin, unsigned_byte(mins, byte));
    }
    for (int v = 0; v < 8; ++v) s.q[v] = load_pair(block + 64 * 4, sub, v);
  }
};

struct Q3_K {
  using Sub = PlainPer16;
  static constexpr int kSubBlocks = 8, kBytes = 110 * 16, kZeroShift = 5;
  const uint8_t* words;
  __m512 d;
  __m512i scales[4];
  explicit Q3_K(const uint8_t* p) : words(p + 32), d(halves(p)) {
    const __m512i low[2] = {word(words, 24), word(words, 25)};
    const __m512i high = word(words, 26);
    for (int i = 0; i < 4; ++i) {
      const __m512i nibble = mask_bits(move_bits(low[i & 1], 4 * (i >> 1), 0), 0x0f);
      scales[i] =
          _mm512_sub_epi8(masked_or(move_bits(high, 2 * i, 4), 0x30, nibble), _mm512_set1_epi8(32));
    }
  }
  void load(int sub, Sub& s) const {
    for (int half = 0; half < 2; ++half) {
      s.scale[half] = _mm512_mul_ps(d, signed_byte(scales[sub >> 1], 2 * (sub & 1) + half));
    }
    for (int v = 0; v < 8; ++v) {
      s.q[v] =
          masked_or(move_bits(word(words, v), sub, 2), 0x04, load_pair(words + 64 * 8, sub, v));
    }
  }
};

struct Iq4Xs {
  using Sub = Plain;
  static constexpr int kSubBlocks = 8, kBytes = 136 * 16, kZeroShift = 0;
  const uint8_t* block;
  __m512 d;
  explicit Iq4Xs(const uint8_t* p) : block(p), d(low_halves(word(p, 0))) {}
  void load(int sub, Sub& s) const {
    const __m512i low = _mm512_srlv_epi32(word(block, 1), _mm512_set1_epi32(4 * sub));
    const __m512i high = _mm512_rorv_epi32(word(block, 0), _mm512_set1_epi32(16 + 2 * sub - 4));
    const __m512i bits = _mm512_ternarylogic_epi32(
        high, _mm512_set1_epi32(0x30), _mm512_and_si512(low, _mm512_set1_epi32(0x0f)), 0xEA);
    const __m512i scale = _mm512_sub_epi32(bits, _mm512_set1_epi32(32));
    s.scale[0] = _mm512_mul_ps(d, _mm512_cvtepi32_ps(scale));
    load_nibbles(block + 64 * (2 + 4 * sub), s.q);
    Iq4Nl::look_up(s.q);
  }
};

struct Tq2_0 {
  using Sub = Plain;
  static constexpr int kSubBlocks = 8, kBytes = 66 * 16, kZeroShift = 7;
  const uint8_t* block;
  explicit Tq2_0(const uint8_t* p) : block(p) {}
  void load(int sub, Sub& s) const {
    s.scale[0] = halves(block);
    for (int v = 0; v < 8; ++v) s.q[v] = load_pair(block + 32, sub, v);
  }
};

}  // namespace
}  // namespace verge::kernels::avx512
