// Matrix products, reductions, and what normalizes by row.

#include <numeric>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/onnx/lowering.hpp>

namespace verge::onnx::lowering {
namespace {

using List = std::vector<int64_t>;

constexpr int64_t kLast = -1, kOne = 1;

// The matrix's last two axes, swapped.
std::string transposed(Lowering& to, size_t input) {
  List perm(to.rank(input));
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return to.add("Transpose", {to.in(input)}, {attribute("perm", perm)});
}

Status linear(Lowering& to) {
  if (to.has(4)) return to.unsupported("a norm is part of it; export the graph before passes");
  const std::string_view activation = to.node.attrs.text("activation", "none");
  std::string y;
  if (to.rank(0) == 2) {
    std::vector<std::string> inputs = {to.in(0), to.in(1)};
    if (to.has(2)) inputs.push_back(to.in(2));
    y = to.add("Gemm", std::move(inputs), {attribute("transB", kOne)});
  } else {
    y = to.add("MatMul", {to.in(0), transposed(to, 1)});
    if (to.has(2)) y = to.add("Add", {y, to.in(2)});
  }
  y = to.activation(activation, y);
  if (to.has(3)) y = to.add("Add", {y, to.in(3)});
  to.finish("Identity", {y});
  return {};
}

Status matmul(Lowering& to) {
  const graph::Attrs& attrs = to.node.attrs;
  std::string a = to.in(0);
  const std::string b = attrs.integer("transpose_b") != 0 ? transposed(to, 1) : to.in(1);
  if (attrs.integer("transpose_a") == 0) {
    to.finish("MatMul", {a, b});
  } else if (attrs.integer("batched") != 0) {
    to.finish("MatMul", {transposed(to, 0), b});
  } else {  // leading extents are the rows of both
    const auto rows = [&](const std::string& x, size_t input) {
      return to.add("Reshape", {x, to.integers({-1, to.type(input).dims.back().factor})});
    };
    to.finish("Gemm", {rows(a, 0), rows(b, 1)}, {attribute("transA", kOne)});
  }
  return {};
}

template <const char* op>
Status reduction(Lowering& to) {
  List axes = to.node.attrs.list("axes");
  const auto keep = attribute("keepdims", int64_t{to.node.attrs.integer("keep") != 0});
  if (std::string_view(op) == "ReduceSum") {
    to.finish(op, {to.in(0), to.integers(axes)}, {keep});
  } else {
    to.finish(op, {to.in(0)}, {attribute("axes", std::move(axes)), keep});
  }
  return {};
}

constexpr char kMax[] = "ReduceMax";
constexpr char kMean[] = "ReduceMean";
constexpr char kSum[] = "ReduceSum";

template <const char* op>
Status by_last_axis(Lowering& to) {
  to.finish(op, {to.in(0)}, {attribute("axis", kLast)});
  return {};
}

constexpr char kSoftmax[] = "Softmax";
constexpr char kLogSoftmax[] = "LogSoftmax";

Status layer_norm(Lowering& to) {
  std::vector<std::string> inputs = {to.in(0), to.in(1)};
  if (to.has(2)) inputs.push_back(to.in(2));
  to.finish("LayerNormalization", std::move(inputs),
            {attribute("axis", kLast), attribute("epsilon", to.node.attrs.real("eps"))});
  return {};
}

Status rms_norm(Lowering& to) {
  const std::string mean =
      to.add("ReduceMean", {to.add("Mul", {to.in(0), to.in(0)})}, {attribute("axes", List{-1})});
  const std::string root =
      to.add("Sqrt", {to.add("Add", {mean, to.number(to.node.attrs.real("eps"))})});
  const std::string y = to.add("Div", {to.in(0), root});
  to.finish("Mul", {y, to.has(1) ? to.in(1) : to.number(1)});
  return {};
}

constexpr LoweredOp kOps[] = {
    {"layer_norm", layer_norm},
    {"linear", linear},
    {"log_softmax", by_last_axis<kLogSoftmax>},
    {"matmul", matmul},
    {"reduce_max", reduction<kMax>},
    {"reduce_mean", reduction<kMean>},
    {"reduce_sum", reduction<kSum>},
    {"rms_norm", rms_norm},
    {"softmax", by_last_axis<kSoftmax>},
};

}  // namespace

LoweringGroup rows() {
  return {kOps};
}

}  // namespace verge::onnx::lowering
