#include <algorithm>

#include <verge/engine/graph/bit_mask.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph {

Dims mask_dims(const Dims& dims) {
  int64_t constant = 1;
  Dims symbols;
  for (const Dim& dim : dims) {
    constant *= dim.factor;
    if (!dim.is_constant()) symbols.emplace_back(1, dim.symbol);
  }
  const int64_t bytes = (constant + 7) / 8;
  if (symbols.empty()) return {bytes};
  symbols[0].factor = bytes;
  return symbols;
}

Status infer_with_mask(InferContext& context) {
  VERGE_RETURN_IF_ERROR(infer_like_input(context));
  context.outputs.push_back({DType::U8, mask_dims(context.dims(0))});
  return {};
}

void mask_gradient(GradientContext& context) {
  context.set(0, context.builder.op("apply_mask", {context.grad(), context.output(1)}));
}

void clip_with_mask(const KernelCall& call, double low, double high) {
  std::vector<double> x = load(call.in(0));
  if (call.wants(1)) {
    auto* bits = call.out(1).as<uint8_t>();
    std::fill_n(bits, call.out(1).shape.count(), uint8_t{0});
    for (size_t i = 0; i < x.size(); ++i) {
      if (x[i] > low && x[i] < high) bits[i / 8] |= static_cast<uint8_t>(1u << (i % 8));
    }
  }
  for (double& value : x) value = std::clamp(value, low, high);
  store(call.out(), x);
}

}  // namespace verge::graph
