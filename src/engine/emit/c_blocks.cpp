#include <algorithm>

#include <verge/engine/emit/c_blocks.hpp>
#include <verge/engine/emit/program_parts.hpp>

namespace verge::emit {
namespace {

constexpr std::string_view kF16 = R"(
static void decode_f16(const unsigned char *block, float *x) {
  for (int j = 0; j < 32; ++j) x[j] = half(block + 2 * j);
}
)";

constexpr std::string_view kBf16 = R"(
static void decode_bf16(const unsigned char *block, float *x) {
  for (int j = 0; j < 32; ++j) {
    const uint32_t bits = (uint32_t)block[2 * j] << 16 | (uint32_t)block[2 * j + 1] << 24;
    memcpy(x + j, &bits, sizeof bits);
  }
}
)";

constexpr std::string_view kQ4_0 = R"(
/* A 16-bit scale, then nibbles: the lower ones are values 0 to 15. */
static void decode_q4_0(const unsigned char *block, float *x) {
  const float scale = half(block);
  for (int j = 0; j < 16; ++j) {
    x[j] = scale * (float)((block[2 + j] & 15) - 8);
    x[j + 16] = scale * (float)((block[2 + j] >> 4) - 8);
  }
}
)";

constexpr std::string_view kQ4_1 = R"(
/* A 16-bit scale, a 16-bit offset, then nibbles: the lower ones are values 0 to 15. */
static void decode_q4_1(const unsigned char *block, float *x) {
  const float scale = half(block), offset = half(block + 2);
  for (int j = 0; j < 16; ++j) {
    x[j] = scale * (float)(block[4 + j] & 15) + offset;
    x[j + 16] = scale * (float)(block[4 + j] >> 4) + offset;
  }
}
)";

constexpr std::string_view kQ5_0 = R"(
/* A 16-bit scale, the fifth bits of 32 values, then nibbles. */
static void decode_q5_0(const unsigned char *block, float *x) {
  const float scale = half(block);
  const unsigned char *fifth = block + 2, *nibbles = block + 6;
  for (int j = 0; j < 16; ++j) {
    const int low = (fifth[j / 8] >> j % 8 & 1) << 4, high = (fifth[2 + j / 8] >> j % 8 & 1) << 4;
    x[j] = scale * (float)(((nibbles[j] & 15) | low) - 16);
    x[j + 16] = scale * (float)((nibbles[j] >> 4 | high) - 16);
  }
}
)";

constexpr std::string_view kQ5_1 = R"(
/* A 16-bit scale, a 16-bit offset, the fifth bits of 32 values, then nibbles. */
static void decode_q5_1(const unsigned char *block, float *x) {
  const float scale = half(block), offset = half(block + 2);
  const unsigned char *fifth = block + 4, *nibbles = block + 8;
  for (int j = 0; j < 16; ++j) {
    const int low = (fifth[j / 8] >> j % 8 & 1) << 4, high = (fifth[2 + j / 8] >> j % 8 & 1) << 4;
    x[j] = scale * (float)((nibbles[j] & 15) | low) + offset;
    x[j + 16] = scale * (float)(nibbles[j] >> 4 | high) + offset;
  }
}
)";

constexpr std::string_view kQ8_0 = R"(
/* A 16-bit scale, then 32 signed bytes. */
static void decode_q8_0(const unsigned char *block, float *x) {
  const float scale = half(block);
  const signed char *levels = (const signed char *)(block + 2);
  for (int j = 0; j < 32; ++j) x[j] = scale * (float)levels[j];
}
)";

constexpr std::string_view kIq4Nl = R"(
/* A 16-bit scale, then nibbles that choose one of 16 uneven levels. */
static void decode_iq4_nl(const unsigned char *block, float *x) {
  static const float levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                   1,    13,   25,  38,  53,  69,  89,  113};
  const float scale = half(block);
  for (int j = 0; j < 16; ++j) {
    x[j] = scale * levels[block[2 + j] & 15];
    x[j + 16] = scale * levels[block[2 + j] >> 4];
  }
}
)";

constexpr std::string_view kIq4Xs = R"(
/* A 16-bit scale, scales of 6 bits for each 32 of 256 values, then nibbles as in iq4_nl. */
static void decode_iq4_xs(const unsigned char *block, float *x) {
  static const float levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                   1,    13,   25,  38,  53,  69,  89,  113};
  const float d = half(block);
  for (int part = 0; part < 8; ++part) {
    const int low = block[4 + part / 2] >> part % 2 * 4 & 15;
    const int high = block[2 + part / 4] >> part % 4 * 2 & 3;
    const float scale = d * (float)((low | high << 4) - 32);
    const unsigned char *nibbles = block + 8 + 16 * part;
    for (int j = 0; j < 16; ++j) {
      x[32 * part + j] = scale * levels[nibbles[j] & 15];
      x[32 * part + j + 16] = scale * levels[nibbles[j] >> 4];
    }
  }
}
)";

constexpr std::string_view kQ2K = R"(
/* Scale and minimum, 4 bits each, for each 16 of 256 values; bit pairs; their two 16-bit units. */
static void decode_q2_k(const unsigned char *block, float *x) {
  const float d = half(block + 80), dmin = half(block + 82);
  for (int part = 0; part < 16; ++part) {
    const float scale = d * (float)(block[part] & 15), least = dmin * (float)(block[part] >> 4);
    const unsigned char *pairs = block + 16 + part / 8 * 32 + part % 2 * 16;
    const int shift = part / 2 % 4 * 2;
    for (int j = 0; j < 16; ++j) x[16 * part + j] = scale * (float)(pairs[j] >> shift & 3) - least;
  }
}
)";

constexpr std::string_view kQ3K = R"(
/* Third bits and bit pairs of 256 values, scales of 6 bits for each 16, and their 16-bit unit. */
static void decode_q3_k(const unsigned char *block, float *x) {
  const float d = half(block + 108);
  const unsigned char *packed = block + 96;
  for (int part = 0; part < 16; ++part) {
    const int low = part < 8 ? packed[part] & 15 : packed[part - 8] >> 4;
    const int high = packed[8 + part % 4] >> part / 4 * 2 & 3;
    const float scale = d * (float)((low | high << 4) - 32);
    const unsigned char *thirds = block + part % 2 * 16;
    const unsigned char *pairs = block + 32 + part / 8 * 32 + part % 2 * 16;
    const int shift = part / 2 % 4 * 2;
    for (int j = 0; j < 16; ++j) {
      const int third = (thirds[j] >> part / 2 & 1) << 2;
      x[16 * part + j] = scale * (float)(((pairs[j] >> shift & 3) | third) - 4);
    }
  }
}
)";

constexpr std::string_view kQ4K = R"(
/* Two 16-bit units, a scale and a minimum of 6 bits for each 32 of 256 values, then nibbles. */
static void decode_q4_k(const unsigned char *block, float *x) {
  const float d = half(block), dmin = half(block + 2);
  for (int part = 0; part < 8; ++part) {
    float scale, least;
    const unsigned char *nibbles = block + 16 + part / 2 * 32;
    const int shift = part % 2 * 4;
    part_of_k(block + 4, part, d, dmin, &scale, &least);
    for (int j = 0; j < 32; ++j) {
      x[32 * part + j] = scale * (float)(nibbles[j] >> shift & 15) - least;
    }
  }
}
)";

constexpr std::string_view kQ5K = R"(
/* As q4_k, with the fifth bits of all values before the nibbles. */
static void decode_q5_k(const unsigned char *block, float *x) {
  const float d = half(block), dmin = half(block + 2);
  for (int part = 0; part < 8; ++part) {
    float scale, least;
    const unsigned char *fifths = block + 16, *nibbles = block + 48 + part / 2 * 32;
    const int shift = part % 2 * 4;
    part_of_k(block + 4, part, d, dmin, &scale, &least);
    for (int j = 0; j < 32; ++j) {
      const int fifth = (fifths[j] >> part & 1) << 4;
      x[32 * part + j] = scale * (float)((nibbles[j] >> shift & 15) | fifth) - least;
    }
  }
}
)";

constexpr std::string_view kQ6K = R"(
/* Nibbles and upper bit pairs of 256 values, a signed scale for each 16, and their 16-bit unit. */
static void decode_q6_k(const unsigned char *block, float *x) {
  const float d = half(block + 208);
  const signed char *scales = (const signed char *)(block + 192);
  for (int part = 0; part < 16; ++part) {
    const int half_of_all = part / 8, quarter = part / 2 % 4, first = part % 2 * 16;
    const float scale = d * (float)scales[part];
    const unsigned char *low = block + 64 * half_of_all + quarter % 2 * 32 + first;
    const unsigned char *high = block + 128 + 32 * half_of_all + first;
    for (int j = 0; j < 16; ++j) {
      const int nibble = low[j] >> quarter / 2 * 4 & 15, upper = high[j] >> quarter * 2 & 3;
      x[16 * part + j] = scale * (float)((nibble | upper << 4) - 32);
    }
  }
}
)";

constexpr std::string_view kTq2_0 = R"(
/* Bit pairs of 256 values of -1, 0 or 1, and their 16-bit scale. */
static void decode_tq2_0(const unsigned char *block, float *x) {
  const float scale = half(block + 64);
  for (int part = 0; part < 8; ++part) {
    const unsigned char *pairs = block + part / 4 * 32;
    for (int j = 0; j < 32; ++j) {
      x[32 * part + j] = scale * (float)((pairs[j] >> part % 4 * 2 & 3) - 1);
    }
  }
}
)";

constexpr CBlocks kAllBlocks[] = {
    {DType::F16, "f16", 32, 64, kF16},           {DType::BF16, "bf16", 32, 64, kBf16},
    {DType::Q4_0, "q4_0", 32, 18, kQ4_0},        {DType::Q4_1, "q4_1", 32, 20, kQ4_1},
    {DType::Q5_0, "q5_0", 32, 22, kQ5_0},        {DType::Q5_1, "q5_1", 32, 24, kQ5_1},
    {DType::Q8_0, "q8_0", 32, 34, kQ8_0},        {DType::IQ4_NL, "iq4_nl", 32, 18, kIq4Nl},
    {DType::IQ4_XS, "iq4_xs", 256, 136, kIq4Xs}, {DType::Q2_K, "q2_k", 256, 84, kQ2K},
    {DType::Q3_K, "q3_k", 256, 110, kQ3K},       {DType::Q4_K, "q4_k", 256, 144, kQ4K},
    {DType::Q5_K, "q5_k", 256, 176, kQ5K},       {DType::Q6_K, "q6_k", 256, 210, kQ6K},
    {DType::TQ2_0, "tq2_0", 256, 66, kTq2_0},
};

constexpr std::string_view kBlockDot = R"(
/* The sum of x[i] * w[i], in eight parts that a vector can hold, four products at a time. */
static float dot_@name(const float *x, const unsigned char *w, long n) {
  float sums[8] = {0}, sum = 0;
  for (long i = 0; i < n; i += @values, w += @bytes) {
    float block[@values];
    decode_@name(w, block);
    for (int j = 0; j < @values; j += 32, x += 32) {
      const float *y = block + j;
      for (int k = 0; k < 8; ++k) {
        sums[k] += (x[k] * y[k] + x[8 + k] * y[8 + k]) +
                   (x[16 + k] * y[16 + k] + x[24 + k] * y[24 + k]);
      }
    }
  }
  for (int k = 0; k < 8; ++k) sum += sums[k];
  return sum;
}
)";

constexpr std::string_view kBlockRow = R"(
static void row_@name(const unsigned char *w, float *y, long n) {
  for (long i = 0; i < n; i += @values, w += @bytes) decode_@name(w, y + i);
}
)";

std::string filled(std::string_view text, const CBlocks& blocks) {
  return with_parts(std::string(text), {{"@name", std::string(blocks.name)},
                                        {"@values", fmt::format("{}", blocks.values)},
                                        {"@bytes", fmt::format("{}", blocks.bytes)}});
}

}  // namespace

const CBlocks* find_c_blocks(DType dtype) {
  const auto* found = std::ranges::find(kAllBlocks, dtype, &CBlocks::dtype);
  return found == std::end(kAllBlocks) ? nullptr : found;
}

std::string c_block_dot(const CBlocks& blocks) {
  return filled(kBlockDot, blocks);
}

std::string c_block_row(const CBlocks& blocks) {
  return filled(kBlockRow, blocks);
}

}  // namespace verge::emit
