// y = x W^T + bias: the matrix product of every layer; W keeps the layout of model files.

#include <vector>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [..., in], weight [out, in] of any type, optional bias [out]. Output y [..., out].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  if (context.rank(1) != 2 || context.rank(0) < 1) return context.fail("weight must be [out, in]");
  if (context.dims(0).back() != context.dims(1)[1]) {
    return context.fail("the last extent of x must equal the weight's columns");
  }
  if (context.has(2) && context.dims(2) != Dims{context.dims(1)[0]}) {
    return context.fail("bias must be [out]");
  }
  Type y{context.type(0).dtype, context.dims(0)};
  y.dims.back() = context.dims(1)[0];
  context.outputs = {y};
  return {};
}

// dX = dY W (needs W only); dW = dY^T X (needs X only); db = sum of rows of dY (needs nothing).
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const ValueId dy = context.grad();
  if (context.needs(0)) context.set(0, b.op("matmul", {dy, context.input(1)}));
  if (context.needs(1)) {
    context.set(1, b.op("matmul", {dy, context.input(0)}, {{"transpose_a", int64_t{1}}}));
  }
  if (context.needs(2)) context.set(2, b.op("sum_rows", {dy}));
}

Cost cost(const KernelCall& call) {
  const double out = static_cast<double>(call.in(1).shape[0]);
  const double in = static_cast<double>(call.in(1).shape[1]);
  const double rows = static_cast<double>(call.in(0).shape.rows());
  return {2 * rows * out * in, static_cast<double>(call.in(1).bytes()) + 4 * rows * (in + out)};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0)), weight = load(call.in(1));
  const std::vector<double> bias = call.has(2) ? load(call.in(2)) : std::vector<double>{};
  const auto rows = static_cast<size_t>(call.in(0).shape.rows());
  const auto out = static_cast<size_t>(call.in(1).shape[0]);
  const auto in = static_cast<size_t>(call.in(1).shape[1]);
  std::vector<double> y(rows * out);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t o = 0; o < out; ++o) {
      double sum = bias.empty() ? 0 : bias[o];
      for (size_t i = 0; i < in; ++i) sum += x[row * in + i] * weight[o * in + i];
      y[row * out + o] = sum;
    }
  }
  store(call.out(), y);
}

}  // namespace

OpDef linear() {
  return {
      .name = "linear", .infer = infer, .gradient = gradient, .cost = cost, .reference = reference};
}

}  // namespace verge::graph::ops
