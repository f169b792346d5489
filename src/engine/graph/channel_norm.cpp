#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/channel_norm.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph {
namespace {

// The mean of f(element) over each set.
template <typename F>
std::vector<double> mean_by_set(const ChannelNorm& norm, size_t elements, F f) {
  std::vector<double> sums(norm.set(elements - 1) + 1);
  const double count = static_cast<double>(elements) / static_cast<double>(sums.size());
  for (size_t i = 0; i < elements; ++i) sums[norm.set(i)] += f(i) / count;
  return sums;
}

// dy behind a ReLU: where the norm gave more than 0.
void drop_below_zero(const ChannelNorm& norm, const std::vector<double>& x,
                     const ChannelStatistics& statistics, const std::vector<double>& weight,
                     const std::vector<double>& bias, std::vector<double>& dy) {
  const std::vector<double> y = normalize(norm, x, statistics, weight, bias);
  for (size_t i = 0; i < y.size(); ++i) {
    if (!(y[i] > 0)) dy[i] = 0;
  }
}

}  // namespace

ChannelNorm group_norm_of(const Shape& x, const Attrs& attrs) {
  return {static_cast<size_t>(x[1]), static_cast<size_t>(x[2] * x[3]),
          static_cast<size_t>(attrs.integer("groups", 1))};
}

ChannelNorm batch_norm_of(const Shape& x) {
  const auto channels = static_cast<size_t>(x[1]);
  return {channels, static_cast<size_t>(x[2] * x[3]), channels, true};
}

ChannelStatistics measure(const ChannelNorm& norm, const std::vector<double>& x, double eps) {
  ChannelStatistics statistics;
  statistics.mean = mean_by_set(norm, x.size(), [&](size_t i) { return x[i]; });
  statistics.rstd = mean_by_set(norm, x.size(), [&](size_t i) {
    const double distance = x[i] - statistics.mean[norm.set(i)];
    return distance * distance;
  });
  for (double& value : statistics.rstd) value = 1 / std::sqrt(value + eps);
  return statistics;
}

std::vector<double> normalize(const ChannelNorm& norm, const std::vector<double>& x,
                              const ChannelStatistics& statistics,
                              const std::vector<double>& weight, const std::vector<double>& bias) {
  std::vector<double> y(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t set = norm.set(i), channel = norm.channel(i);
    const double h = (x[i] - statistics.mean[set]) * statistics.rstd[set];
    y[i] = h * weight[channel] + bias[channel];
  }
  return y;
}

Status expect_channel_params(const InferContext& context, std::initializer_list<size_t> params) {
  VERGE_RETURN_IF_ERROR(expect_image(context, 0, "input 0"));
  for (size_t i : params) {
    if (!context.has(i)) continue;
    VERGE_RETURN_IF_ERROR(
        expect_dims(context, i, fmt::format("input {}", i), {context.dims(0)[1]}));
  }
  return {};
}

Status infer_channel_norm_grad(InferContext& context, const Dims& statistics) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(5));
  VERGE_RETURN_IF_ERROR(expect_channel_params(context, {1, 5}));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 2, "mean", statistics));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 3, "rstd", statistics));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 4, "dy", context.dims(0)));
  const DType dtype = compute_dtype(context.type(0).dtype);
  const Type channel{dtype, {context.dims(0)[1]}};
  context.outputs = {{dtype, context.dims(0)}, channel, channel};
  return {};
}

void emit_channel_norm_grad(GradientContext& context, std::string_view op, ValueId mean,
                            ValueId rstd) {
  std::vector<ValueId> inputs = {context.input(0), context.input(1), mean, rstd, context.grad()};
  if (context.node.attrs.text("activation", "none") == "relu") inputs.push_back(context.input(2));
  const std::vector<ValueId> grads = context.builder.op_all(op, inputs, context.node.attrs);
  if (grads.empty()) return;
  for (size_t i = 0; i < 3; ++i) {
    if (context.needs(i)) context.set(i, grads[i]);
  }
}

void channel_norm_grad_reference(const KernelCall& call, const ChannelNorm& norm) {
  const std::vector<double> x = load(call.in(0)), weight = load(call.in(1));
  const std::vector<double> mean = load(call.in(2)), rstd = load(call.in(3));
  std::vector<double> dy = load(call.in(4));
  if (call.has(5)) drop_below_zero(norm, x, {mean, rstd}, weight, load(call.in(5)), dy);
  const auto u = [&](size_t i) { return dy[i] * weight[norm.channel(i)]; };
  const auto h = [&](size_t i) { return (x[i] - mean[norm.set(i)]) * rstd[norm.set(i)]; };
  const std::vector<double> mean_u = mean_by_set(norm, x.size(), u);
  const std::vector<double> mean_uh =
      mean_by_set(norm, x.size(), [&](size_t i) { return u(i) * h(i); });
  std::vector<double> dx(x.size()), dweight(weight.size()), dbias(weight.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t set = norm.set(i);
    dx[i] = rstd[set] * (u(i) - mean_u[set] - h(i) * mean_uh[set]);
    dweight[norm.channel(i)] += dy[i] * h(i);
    dbias[norm.channel(i)] += dy[i];
  }
  store_wanted(call, 0, dx);
  store_wanted(call, 1, dweight);
  store_wanted(call, 2, dbias);
}

Cost channel_norm_cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {10 * count, 12 * count};
}

}  // namespace verge::graph
