// Matrix products.

#include <algorithm>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

constexpr int64_t kYes = 1;

// x [..., k] by a known matrix [k, n]: a linear layer, whose weight the plan packs.
Value linear(NodeContext& node, Value x, Value matrix, bool is_transposed, Value bias) {
  const Value weight = is_transposed ? matrix : node.transpose(matrix, {1, 0});
  return node.emit("linear", {x, weight, bias});
}

// Leading extents broadcast against each other.
Result<Value> batched(NodeContext& node, Value a, Value b) {
  const auto rank = static_cast<size_t>(std::max(node.rank(a), node.rank(b)));
  std::vector<int64_t> left = to_list(node.shape(a)), right = to_list(node.shape(b));
  left.insert(left.begin(), rank - left.size(), 1);
  right.insert(right.begin(), rank - right.size(), 1);
  a = node.reshape(a, left);
  b = node.reshape(b, right);
  for (size_t i = 0; i + 2 < rank; ++i) {
    if (left[i] != right[i] && left[i] != 1 && right[i] != 1) {
      return node.malformed(
          fmt::format("[{}] by [{}]", fmt::join(left, ", "), fmt::join(right, ", ")));
    }
    left[i] = right[i] = std::max(left[i], right[i]);
  }
  a = node.broadcast(a, Shape(std::span<const int64_t>(left)));
  b = node.broadcast(b, Shape(std::span<const int64_t>(right)));
  return node.emit("matmul", {a, b}, {{"batched", kYes}});
}

Status mat_mul(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  Value a = node.in(0), b = node.in(1);
  std::vector<int64_t> left = to_list(node.shape(a)), right = to_list(node.shape(b));
  if (left.empty() || right.empty()) return node.malformed("an input is a single number");
  const bool is_row = left.size() == 1, is_column = right.size() == 1;
  if (is_row) a = node.reshape(a, {1, left[0]});
  if (is_column) b = node.reshape(b, {right[0], 1});
  Value y;
  if (node.rank(b) == 2) {
    y = node.is_constant(b) ? linear(node, a, b, false, {}) : node.emit("matmul", {a, b});
  } else {
    VERGE_TRY(y, batched(node, a, b));
  }
  if (node.failed() || (!is_row && !is_column)) {
    node.set_output(0, y);
    return {};
  }
  std::vector<int64_t> shape = to_list(node.shape(y));
  if (is_column) shape.pop_back();
  if (is_row) shape.erase(shape.end() - (is_column ? 1 : 2));
  node.set_output(0, node.reshape(y, shape));
  return {};
}

Value times(NodeContext& node, Value x, double factor) {
  return factor == 1 || !x ? x : node.emit("scale", {x}, {{"factor", factor}});
}

// alpha a b + beta c
Status gemm(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  Value a = node.in(0);
  const Value b = node.in(1);
  if (node.rank(a) != 2 || node.rank(b) != 2) return node.malformed("its inputs are no matrices");
  if (node.integer("transA") != 0) a = node.transpose(a, {1, 0});
  const bool is_transposed = node.integer("transB") != 0;
  const double alpha = node.real("alpha", 1);
  const Value c = node.has_input(2) ? times(node, node.in(2), node.real("beta", 1)) : Value{};
  if (node.failed()) return {};
  const int64_t n = node.shape(b)[is_transposed ? 0 : 1];
  const bool is_bias = c && alpha == 1 && node.shape(c) == Shape{n} && node.is_constant(b);
  Value y;
  if (node.is_constant(b)) {
    y = linear(node, a, b, is_transposed, is_bias ? c : Value{});
  } else {
    y = node.emit("matmul", {a, b}, {{"transpose_b", int64_t{is_transposed}}});
  }
  y = times(node, y, alpha);
  node.set_output(0, c && !is_bias ? node.emit("add", {y, c}) : y);
  return {};
}

constexpr OnnxOp kOps[] = {{"Gemm", gemm}, {"MatMul", mat_mul}};

}  // namespace

OpGroup products() {
  return {kOps};
}

}  // namespace verge::onnx::ops
