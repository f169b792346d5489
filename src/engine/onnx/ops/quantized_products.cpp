// Products of levels that are made levels again, by one node.

#include <verge/engine/onnx/levels.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

// x, its scale and zero point, w and its, y's, bias i32 in units of x's scale times w's.
Status q_linear_conv(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(8));
  VERGE_TRY(const Value x, real_of(node, 0, 1, 2, 1));
  VERGE_TRY(const Value w, real_of(node, 3, 4, 5, 0));
  if (node.shape(node.in(1)).count() != 1) return node.unsupported("scales of x by channel");
  Value bias;
  if (node.has_input(8)) {
    const std::vector<double> units = node.is_known(node.in(4)) && node.is_known(node.in(1))
                                          ? node.values(node.in(4))
                                          : std::vector<double>{};
    if (units.empty() || !node.is_known(node.in(8))) return node.unsupported("a computed scale");
    Scales by{units, std::vector<double>(units.size())};
    for (double& unit : by.scales) unit *= node.values(node.in(1))[0];
    if (by.scales.size() != 1 &&
        static_cast<int64_t>(by.scales.size()) != node.shape(node.in(8)).count()) {
      return node.malformed("the scales of w are not as many as biases");
    }
    bias = dequantized(node, node.in(8), by, 0);
  }
  if (node.failed()) return {};
  VERGE_TRY(const Value y, level_convolution(node, x, w, bias));
  if (node.failed()) return {};
  VERGE_TRY(const Value levels, quantized(node, y, 6, 7, node.in(7).type));
  node.set_output(0, levels);
  return {};
}

Status q_linear_mat_mul(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(8));
  VERGE_TRY(const Value a, real_of(node, 0, 1, 2, node.rank(node.in(0)) - 2));
  VERGE_TRY(const Value b, real_of(node, 3, 4, 5, node.rank(node.in(3)) - 1));
  if (node.failed()) return {};
  const Value y = level_product(node, a, b);
  if (node.failed()) return {};
  VERGE_TRY(const Value levels, quantized(node, y, 6, 7, node.in(7).type));
  node.set_output(0, levels);
  return {};
}

constexpr OnnxOp kOps[] = {{"QLinearConv", q_linear_conv}, {"QLinearMatMul", q_linear_mat_mul}};

}  // namespace

OpGroup quantized_products() {
  return {kOps};
}

}  // namespace verge::onnx::ops
