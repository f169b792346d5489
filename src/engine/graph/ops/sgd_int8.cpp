// Gradient descent of a parameter of levels, in place (level_update.hpp): an i8 weight or an i32
// bias.

#include <verge/engine/graph/level_update.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: p i8 or i32 [channels, ...], grad f32 like p, optional multiplier f32 [channels],
// optional remainder i8 like p, lr f32 [], step i64 []. Outputs: p' and, if given, remainder',
// overwriting p and remainder. {ratio}: scale over multiplier; without both, gradients stay as they
// are. {weight_decay, stream}.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "grad", DType::F32));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "grad", context.dims(0)));
  return infer_level_update(context, 2);
}

Cost cost(const KernelCall& call) {
  const auto count = static_cast<double>(call.in(0).shape.count());
  return {4 * count, 6 * count};
}

void reference(const KernelCall& call) {
  const LevelUpdate update(call.attrs, *call.in(4).as<float>(), *call.in(5).as<int64_t>());
  const float* multiplier = call.has(2) ? call.in(2).as<float>() : nullptr;
  const float* grad = call.in(1).as<float>();
  const std::vector<double> p = load(call.in(0));
  std::vector<double> next(p.size());
  std::vector<double> remainder = call.has(3) ? load(call.in(3)) : std::vector<double>();
  const size_t inner = p.size() / static_cast<size_t>(call.in(0).shape[0]);
  Rng rng = update.draws(0);
  for (size_t i = 0; i < p.size(); ++i) {
    const float factor = update.factor(multiplier, static_cast<int64_t>(i / inner));
    if (call.in(0).dtype == DType::I32) {
      auto bias = static_cast<int32_t>(p[i]);
      update.bias(bias, grad[i], factor, rng);
      next[i] = bias;
      continue;
    }
    auto weight = static_cast<int8_t>(p[i]);
    auto rest = static_cast<int8_t>(remainder.empty() ? 0 : remainder[i]);
    update.weight(weight, remainder.empty() ? nullptr : &rest, grad[i], factor, rng);
    next[i] = weight;
    if (!remainder.empty()) remainder[i] = rest;
  }
  store(call.out(0), next);
  if (!remainder.empty()) store_wanted(call, 1, remainder);
}

}  // namespace

OpDef sgd_int8() {
  return {.name = "sgd_int8",
          .infer = infer,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, true}, {1, 3, true}}};
}

}  // namespace verge::graph::ops
