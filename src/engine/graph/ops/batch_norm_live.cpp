// Batch normalization in training: by the statistics of the batch itself, which also move the
// running ones, r' = (1 - momentum) r + momentum * batch (with the unbiased variance). Ioffe &
// Szegedy 2015.

#include <algorithm>
#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/channel_norm.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [n, c, h, w], scale, bias, running_mean, running_var [c]. Outputs: y like x, mean',
// var' (overwriting the running ones), saved_mean, saved_rstd [c]. {activation}: none, or relu of
// y.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(5));
  VERGE_RETURN_IF_ERROR(expect_channel_params(context, {1, 2, 3, 4}));
  const std::string_view activation = context.node.attrs.text("activation", "none");
  if (activation != "none" && activation != "relu") {
    return context.fail("the activation cannot be fused");
  }
  const DType dtype = compute_dtype(context.type(0).dtype);
  const Type saved{dtype, {context.dims(0)[1]}};
  context.outputs = {{dtype, context.dims(0)}, context.type(3), context.type(4), saved, saved};
  return {};
}

// Needs x, scale and the saved statistics; with a ReLU, the bias too.
void gradient(GradientContext& context) {
  emit_channel_norm_grad(context, "batch_norm_live_grad", context.output(3), context.output(4));
}

// Moves the running statistics, output `output`, towards the batch's.
void move_running(const KernelCall& call, size_t output, const std::vector<double>& batch) {
  const double momentum = call.attrs.real("momentum", 0.1);
  std::vector<double> running = load(call.in(output + 2));
  for (size_t c = 0; c < running.size(); ++c) {
    running[c] = (1 - momentum) * running[c] + momentum * batch[c];
  }
  store_wanted(call, output, running);
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(0));
  const ChannelNorm norm = batch_norm_of(call.in(0).shape);
  const double eps = call.attrs.real("eps", 1e-5);
  const ChannelStatistics statistics = measure(norm, x, eps);
  const double count = static_cast<double>(x.size()) / static_cast<double>(norm.channels);
  std::vector<double> unbiased;
  for (double rstd : statistics.rstd) {
    unbiased.push_back((1 / (rstd * rstd) - eps) * (count > 1 ? count / (count - 1) : 1));
  }
  std::vector<double> y = normalize(norm, x, statistics, load(call.in(1)), load(call.in(2)));
  if (call.attrs.text("activation", "none") == "relu") {
    for (double& value : y) value = std::max(value, 0.0);
  }
  store(call.out(), y);
  move_running(call, 1, statistics.mean);
  move_running(call, 2, unbiased);
  store_wanted(call, 3, statistics.mean);
  store_wanted(call, 4, statistics.rstd);
}

}  // namespace

OpDef batch_norm_live() {
  return {.name = "batch_norm_live",
          .infer = infer,
          .gradient = gradient,
          .cost = channel_norm_cost,
          .reference = reference,
          .aliases = {{0, 0, false}, {1, 3, true}, {2, 4, true}}};
}

}  // namespace verge::graph::ops
