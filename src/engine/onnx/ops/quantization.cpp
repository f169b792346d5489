// Numbers as small integers: x = (q - zero_point) * scale, for a whole tensor or along one axis.

#include <algorithm>
#include <iterator>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

/// A scale or a zero point beside x, as floats: one number, or one for each place of {axis}.
Result<Value> beside(NodeContext& node, size_t input) {
  const Shape x = node.shape(node.in(0));
  const Value v = node.convert(node.in(input), ElementType::Float);
  if (node.shape(v).count() == 1) return node.reshape(v, {});
  if (node.integer("block_size") != 0) return node.unsupported("block_size");
  VERGE_TRY(const int axis, node.axis_of(node.integer("axis", 1), x.rank()));
  if (node.shape(v) != Shape{x[axis]}) {
    return node.malformed(
        fmt::format("input {} is {}, axis {} has {}", input, node.shape(v).str(), axis, x[axis]));
  }
  std::vector<int64_t> column(static_cast<size_t>(x.rank()), 1);
  column[static_cast<size_t>(axis)] = x[axis];
  return node.reshape(v, column);
}

Status dequantize(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  VERGE_TRY(const Value scale, beside(node, 1));
  Value x = node.convert(node.in(0), ElementType::Float);
  if (node.has_input(2)) {
    VERGE_TRY(const Value zero_point, beside(node, 2));
    if (node.failed()) return {};
    x = node.emit("sub", {x, zero_point});
  }
  if (node.failed()) return {};
  node.set_output(0, node.emit("mul", {x, scale}));
  return {};
}

struct Range {
  ElementType type;
  double low, high;
};
constexpr Range kRanges[] = {{ElementType::Uint8, 0, 255},
                             {ElementType::Int8, -128, 127},
                             {ElementType::Uint16, 0, 65535},
                             {ElementType::Int16, -32768, 32767}};

// clip(round(x / scale) + zero_point) to what the type holds.
Status quantize(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  const auto said = static_cast<ElementType>(node.integer("output_dtype", 0));
  const ElementType otherwise = said == ElementType::Undefined ? ElementType::Uint8 : said;
  const ElementType type = node.has_input(2) ? node.in(2).type : otherwise;
  const auto* range = std::ranges::find(kRanges, type, &Range::type);
  if (range == std::end(kRanges)) {
    return node.unsupported(fmt::format("integers of {}", format::onnx::name(type)));
  }
  VERGE_TRY(const Value scale, beside(node, 1));
  const Value x = node.convert(node.in(0), ElementType::Float);
  if (node.failed()) return {};
  const Value steps = node.emit("div", {x, scale});
  if (node.failed()) return {};
  Value y = node.emit("round", {steps}, {{"mode", std::string("even")}});
  if (node.has_input(2)) {
    VERGE_TRY(const Value zero_point, beside(node, 2));
    if (node.failed()) return {};
    y = node.emit("add", {y, zero_point});
  }
  if (node.failed()) return {};
  y = node.emit("clip", {y}, {{"min", range->low}, {"max", range->high}});
  node.set_output(0, node.convert(y, type));
  return {};
}

constexpr OnnxOp kOps[] = {{"DequantizeLinear", dequantize}, {"QuantizeLinear", quantize}};

}  // namespace

OpGroup quantization() {
  return {kOps};
}

}  // namespace verge::onnx::ops
