#pragma once
// Numbers as small integers: x = (q - zero_point) * scale, for a whole tensor or along one axis;
// and the products that are made of them. What has constant scales becomes the Graph's quantize and
// dequantize, of which a pass makes operators on levels (graph/passes/lower_int8.hpp); all else is
// written out.

#include <optional>
#include <vector>

#include <verge/engine/onnx/node_context.hpp>

namespace verge::onnx {

bool is_byte(ElementType type);
/// Known levels, of bytes or sums of their products.
bool is_weight(NodeContext& node, Value x);
/// The number is a level of i8 or u8.
bool is_zero_point(double value);

struct Scales {
  std::vector<double> scales, zero_points;  // one, or one for each place of an axis
};

/// The Graph's `dequantize` of levels.
Value dequantized(NodeContext& node, Value x, const Scales& by, int64_t axis);

/// Input `x` less its zero point, times its scale, as floats; inputs that are absent count as 0
/// and 1.
Result<Value> real_of(NodeContext& node, size_t x, size_t scale, size_t zero, int64_t axis);

/// clip(round(x / scale) + zero_point) to what the type holds.
Result<Value> quantized(NodeContext& node, Value x, size_t scale_input, size_t zero_input,
                        ElementType type);

/// The convolution of x and w, both as floats, by the attributes of the node.
Result<Value> level_convolution(NodeContext& node, Value x, Value w, Value bias);

/// a [..., k] by b [k, n], both as floats.
Value level_product(NodeContext& node, Value a, Value b);

}  // namespace verge::onnx
