// To levels and back: QuantizeLinear and DequantizeLinear.

#include <verge/engine/graph/op.hpp>
#include <verge/engine/onnx/lowering.hpp>

namespace verge::onnx::lowering {
namespace {

// Zero points are of the type of the levels.
Lowering::Attributes beside(Lowering& to, DType levels, std::vector<std::string>& inputs) {
  if (!to.has(1)) {
    inputs.push_back(to.number(to.node.attrs.real("scale"), DType::F32));
    inputs.push_back(to.number(static_cast<double>(to.node.attrs.integer("zero_point")), levels));
    return {};
  }
  inputs.push_back(to.in(1));
  if (to.has(2)) inputs.push_back(to.cast(to.in(2), element_type(levels)));
  return {attribute("axis", to.node.attrs.integer("axis"))};
}

Status quantize(Lowering& to) {
  std::vector<std::string> inputs = {to.in(0)};
  if (to.has(1) && !to.has(2)) return to.unsupported("scales by channel without zero points");
  Lowering::Attributes attributes = beside(to, to.result_type().dtype, inputs);
  to.finish("QuantizeLinear", std::move(inputs), std::move(attributes));
  return {};
}

Status dequantize(Lowering& to) {
  std::vector<std::string> inputs = {to.in(0)};
  Lowering::Attributes attributes = beside(to, to.type(0).dtype, inputs);
  to.finish("DequantizeLinear", std::move(inputs), std::move(attributes));
  return {};
}

constexpr LoweredOp kOps[] = {{"dequantize", dequantize}, {"quantize", quantize}};

}  // namespace

LoweringGroup quantization() {
  return {kOps};
}

}  // namespace verge::onnx::lowering
