// The mean over rows of -log(softmax(logits)[target]), and with it the gradient of the logits,
// (softmax - one hot) / rows, which costs nothing more and may overwrite the logits.

#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/softmax.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: logits [rows..., classes], targets i32 [rows...], -1 for rows that do not count.
// Outputs: loss [], dlogits like logits, for a loss gradient of 1.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "logits", 2));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "targets", DType::I32));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "targets", leading_dims(context.dims(0))));
  const DType dtype = compute_dtype(context.type(0).dtype);
  context.outputs = {{dtype, {}}, {dtype, context.dims(0)}};
  return {};
}

// Whether the gradient is the constant 1 that differentiation starts with.
bool is_one(const Graph& graph, ValueId gradient) {
  const Value& value = graph.value(gradient);
  return value.data != nullptr && load(value.data->view()) == std::vector<double>{1};
}

// Needs dlogits only.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  const ValueId dlogits = context.output(1);
  if (!context.needs(0) || context.grad() == kNone) return;
  context.set(0,
              is_one(b.graph(), context.grad()) ? dlogits : b.op("mul", {dlogits, context.grad()}));
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {6 * count, 8 * count};
}

void reference(const KernelCall& call) {
  const std::vector<double> logits = load(call.in(0)), targets = load(call.in(1));
  const auto classes = static_cast<size_t>(call.in(0).shape.back());
  double counted = 0, loss = 0;
  const auto is_class = [&](double t) { return t >= 0 && t < static_cast<double>(classes); };
  for (double target : targets) counted += is_class(target);
  std::vector<double> dlogits(logits.size());
  for (size_t row = 0; row < targets.size(); ++row) {
    if (!is_class(targets[row])) continue;
    const auto target = static_cast<size_t>(targets[row]);
    const double* first = logits.data() + row * classes;
    std::vector<double> scores(first, first + classes);
    loss += (softmax_row(scores) - first[target]) / counted;
    scores[target] -= 1;
    for (size_t i = 0; i < classes; ++i) dlogits[row * classes + i] = scores[i] / counted;
  }
  store_wanted(call, 0, {loss});
  store_wanted(call, 1, dlogits);
}

}  // namespace

OpDef softmax_cross_entropy() {
  return {.name = "softmax_cross_entropy",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference,
          .aliases = {{1, 0, false}}};
}

}  // namespace verge::graph::ops
