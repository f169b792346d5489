#pragma once
// C that the functions of several operators call. Written for a person who reads the source on its
// way to a board: plain loops, in the order of memory.

#include <string_view>

namespace verge::emit {

/// The sum of products, in eight parts that a compiler may keep in a vector.
inline constexpr std::string_view kDot = R"(
/* The sum of a[i] * b[i], in eight parts that a vector can hold. */
static float dot(const float *a, const float *b, long n) {
  const long whole = n - n % 8;
  float sums[8] = {0};
  for (long i = 0; i < whole; i += 8) {
    for (int part = 0; part < 8; ++part) sums[part] += a[i + part] * b[i + part];
  }
  for (long i = whole; i < n; ++i) sums[0] += a[i] * b[i];
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

}  // namespace verge::emit
