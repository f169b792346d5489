#pragma once
// C that the functions of several operators call. Written for a person who reads the source on its
// way to a board: plain loops, in the order of memory.

#include <string_view>

namespace verge::emit {

/// The sum of products, in eight parts that a compiler may keep in a vector. Four products at a
/// time, since sums that wait for each other are what a loop of one at a time does.
inline constexpr std::string_view kDot = R"(
/* The sum of a[i] * b[i], in eight parts that a vector can hold, four products at a time. */
static float dot(const float *a, const float *b, long n) {
  float sums[8] = {0};
  long i = 0;
  for (; i + 32 <= n; i += 32) {
    const float *x = a + i, *y = b + i;
    for (int k = 0; k < 8; ++k) {
      sums[k] +=
          (x[k] * y[k] + x[8 + k] * y[8 + k]) + (x[16 + k] * y[16 + k] + x[24 + k] * y[24 + k]);
    }
  }
  for (; i + 8 <= n; i += 8) {
    for (int k = 0; k < 8; ++k) sums[k] += a[i + k] * b[i + k];
  }
  for (; i < n; ++i) sums[0] += a[i] * b[i];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}
)";

inline constexpr std::string_view kActivation = R"(
enum activation { NONE, RELU, RELU6, SILU, SIGMOID, HSWISH, HSIGMOID, GELU, GELU_ERF };

static float activate(enum activation kind, float x) {
  switch (kind) {
    case RELU: return x < 0 ? 0 : x;
    case RELU6: return x < 0 ? 0 : x > 6 ? 6 : x;
    case SILU: return x / (1 + expf(-x));
    case SIGMOID: return 1 / (1 + expf(-x));
    case HSWISH: return x * fminf(fmaxf(x / 6 + 0.5f, 0), 1);
    case HSIGMOID: return fminf(fmaxf(x / 6 + 0.5f, 0), 1);
    case GELU: return 0.5f * x * (1 + tanhf(0.797884561f * (x + 0.044715f * x * x * x)));
    case GELU_ERF: return 0.5f * x * (1 + erff(0.707106781f * x));
    case NONE: break;
  }
  return x;
}
)";

/// Loops over tensors of which each has strides of its own: 0 where it is broadcast.
inline constexpr std::string_view kWalk = R"(
/* A loop over up to eight axes in which three tensors step by strides of their own. */
struct walk {
  long outer, inner;  /* all axes but the last, multiplied; the last */
  int axes;           /* in outer */
  long dims[8], strides[3][8];
  long step[3];       /* along the last axis */
};

static long offset_of(const struct walk *walk, int tensor, long i) {
  long at = 0;
  for (int axis = walk->axes - 1; axis >= 0; --axis) {
    at += i % walk->dims[axis] * walk->strides[tensor][axis];
    i /= walk->dims[axis];
  }
  return at;
}
)";

/// The geometry of convolutions and pools.
inline constexpr std::string_view kWindow = R"(
/* A window of height x width taps over an image. */
struct window {
  long height, width, step_y, step_x, pad_y, pad_x, dilation_y, dilation_x, groups;
};
)";

/// The outputs whose taps lie inside of the image, so that inner loops ask nothing.
inline constexpr std::string_view kReach = R"(
/* The outputs [*first, *last) of a tap that lies at output * step + offset inside of [0, extent). */
static void reach(long outputs, long step, long offset, long extent, long *first, long *last) {
  *first = offset < 0 ? (step - 1 - offset) / step : 0;
  *last = extent > offset ? (extent - offset + step - 1) / step : 0;
  if (*last > outputs) *last = outputs;
  if (*first > *last) *first = *last;
}
)";

/// 16-bit floats, as numbers and as two bytes.
inline constexpr std::string_view kHalf = R"(
/* The value of a 16-bit float. */
static float half_value(uint32_t bits) {
  uint32_t magnitude = (bits & 0x7fff) << 13;
  float x;
  if (magnitude >= 0x0f800000) magnitude += 0x70000000; /* not finite */
  memcpy(&x, &magnitude, sizeof x);
  if (magnitude < 0x0f800000) x *= 0x1p112f;
  return bits & 0x8000 ? -x : x;
}
)";

/// Those that lie in bytes, the lower one first.
inline constexpr std::string_view kHalfBytes = R"(
static float half(const unsigned char *bytes) {
  return half_value(bytes[0] | (uint32_t)bytes[1] << 8);
}
)";

/// The 16-bit float nearest to a value, of two the even one.
inline constexpr std::string_view kToHalf = R"(
static uint16_t to_half(float x) {
  const float size = fabsf(x);
  const uint32_t sign = x < 0 ? 0x8000 : 0;
  uint32_t bits;
  if (!(size < 65520)) return (uint16_t)(sign | (size != size ? 0x7e00 : 0x7c00));
  if (size < 0x1p-14f) { /* 0.5 + size has the steps of the smallest values */
    const float shifted = size + 0.5f;
    memcpy(&bits, &shifted, sizeof bits);
    return (uint16_t)(sign | (bits - 0x3f000000));
  }
  memcpy(&bits, &size, sizeof bits);
  bits += 0xfff + (bits >> 13 & 1);
  return (uint16_t)(sign | (bits - 0x38000000) >> 13);
}
)";

/// Scales of blocks that have a minimum.
inline constexpr std::string_view kPartOfK = R"(
/* Scale and minimum of a part of 32 values: 6 bits each, in 12 bytes for eight parts. */
static void part_of_k(const unsigned char *packed, int part, float d, float dmin, float *scale,
                      float *least) {
  const int is_late = part >= 4;
  const int low = is_late ? packed[part + 4] & 15 : packed[part] & 63;
  const int low_least = is_late ? packed[part + 4] >> 4 : packed[part + 4] & 63;
  *scale = d * (float)(is_late ? low | packed[part - 4] >> 6 << 4 : low);
  *least = dmin * (float)(is_late ? low_least | packed[part] >> 6 << 4 : low_least);
}
)";

}  // namespace verge::emit
