#pragma once
// What operators on 8-bit activations share. An activation is stored as levels, i8 or u8: its value
// is (level - zero) * scale. Operators sum levels exactly in 32 bits and make of a sum the levels
// of the result by one f32 factor (Jacob et al., "Quantization and Training of Neural Networks for
// Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section 2.2).
// Attributes of the result: {to} "i8", "u8", or "f32" for the sum times the factor itself; {y_zero}
// 0; {low, high}: the range levels are clipped to, which says ReLU and ReLU6 too; all of the type's
// where absent. {layout} "nhwc": images are [batch, height, width, channels], else "nchw".

#include <vector>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {

constexpr bool is_level(DType dtype) {
  return dtype == DType::I8 || dtype == DType::U8;
}
/// The least and the largest level of i8 or u8.
constexpr int least_level(DType dtype) {
  return dtype == DType::I8 ? -128 : 0;
}
constexpr int largest_level(DType dtype) {
  return dtype == DType::I8 ? 127 : 255;
}

/// Sums of products, and biases, stay below: together they then fit 32 bits.
constexpr double kMostSum = 0x1p30;
constexpr bool fits_sum(double terms) {
  return terms * 255 * 128 < kMostSum;
}

/// Elements of a window whose mean is taken.
constexpr double kMostWindow = 0x1p22;

/// `steps` between two bounds; what is no number becomes the upper one, as in the kernels.
inline float clip_steps(float steps, float least, float most) {
  const float capped = steps < most ? steps : most;
  return capped > least ? capped : least;
}

/// How a result is rounded.
struct Levels {
  DType to = DType::I8;
  int zero = 0, low = -128, high = 127;

  Levels() = default;
  explicit Levels(const Attrs& attrs);
  /// clip(round(steps) + zero), rounding half to even; `steps` itself where `to` is f32.
  float of(float steps) const;
};

/// Output 0 is {dims} of the type that the attributes say, which must make sense.
Status infer_levels(InferContext& context, Dims dims);
/// Input `input` is i8 or u8 and the attribute `zero` is one of its levels.
Status expect_levels(const InferContext& context, size_t input, std::string_view argument,
                     std::string_view zero);
/// Bias i32 [out] (input 2, optional) and multiplier f32 [out] (input 3) of a product of `terms`
/// levels, whose sum must be below 2^30.
Status expect_product(const InferContext& context, const Dim& out, double terms);

/// The attribute {factor} is there, a positive number that f32 holds.
Status expect_factor(const InferContext& context, std::string_view factor);

bool is_channels_last(const Attrs& attrs);
/// The extents of an image as [batch, channels, height, width], and back to what the layout says.
Dims channels_first(Dims image, const Attrs& attrs);
Dims in_layout(Dims image, const Attrs& attrs);
Shape channels_first(const Shape& image, const Attrs& attrs);

/// All values of an image, as [batch, channels, height, width]; and the way back.
std::vector<double> load_image(const TensorView& image, const Attrs& attrs);
void store_image(const TensorView& image, const std::vector<double>& values, const Attrs& attrs);

}  // namespace verge::graph
