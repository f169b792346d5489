// Numbers made small integers, and back (onnx/levels.hpp).

#include <verge/engine/onnx/levels.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

Status dequantize(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  if (node.integer("block_size") != 0) return node.unsupported("block_size");
  VERGE_TRY(const Value x, real_of(node, 0, 1, 2, node.integer("axis", 1)));
  node.set_output(0, x);
  return {};
}

Status quantize(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  const auto said = static_cast<ElementType>(node.integer("output_dtype", 0));
  const ElementType otherwise = said == ElementType::Undefined ? ElementType::Uint8 : said;
  const Value x = node.convert(node.in(0), ElementType::Float);
  if (node.failed()) return {};
  VERGE_TRY(const Value y,
            quantized(node, x, 1, 2, node.has_input(2) ? node.in(2).type : otherwise));
  node.set_output(0, y);
  return {};
}

// The scale of 255 steps between the least and the largest of x and 0, the level of 0, and x so.
Status dynamic_quantize(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const Value x = node.in(0), zero = node.scalar(0, ElementType::Float);
  const auto extreme = [&](double sign) {  // of sign * x and 0
    const Value all = node.reshape(x, {node.shape(x).count()});
    const Value turned = node.emit("scale", {all}, {{"factor", sign}});
    if (node.failed()) return Value{};
    const Value most = node.emit("reduce_max", {turned}, {{"axes", std::vector<int64_t>{0}}});
    return node.failed() ? Value{} : node.emit("maximum", {node.reshape(most, {}), zero});
  };
  const Value high = extreme(1), low = extreme(-1);  // low: the depth below 0
  if (node.failed()) return {};
  const Value scale = node.emit("scale", {node.emit("add", {high, low})}, {{"factor", 1.0 / 255}});
  if (node.failed()) return {};
  const Value steps = node.emit("div", {low, scale});
  if (node.failed()) return {};
  Value zero_point = node.emit("round", {steps}, {{"mode", std::string("even")}});
  if (node.failed()) return {};
  const Value rounded =
      node.emit("round", {node.emit("div", {x, scale})}, {{"mode", std::string("even")}});
  if (node.failed()) return {};
  const Value y =
      node.emit("clip", {node.emit("add", {rounded, zero_point})}, {{"min", 0.0}, {"max", 255.0}});
  node.set_output(0, node.convert(y, ElementType::Uint8));
  node.set_output(1, scale);
  node.set_output(2, node.convert(zero_point, ElementType::Uint8));
  return {};
}

constexpr OnnxOp kOps[] = {{"DequantizeLinear", dequantize},
                           {"DynamicQuantizeLinear", dynamic_quantize},
                           {"QuantizeLinear", quantize}};

}  // namespace

OpGroup quantization() {
  return {kOps};
}

}  // namespace verge::onnx::ops
