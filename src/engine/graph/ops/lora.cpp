// y' = y + scales[a] (x A_a^T) B_a with a = adapter_of_token: low-rank adapters beside one shared
// base, each row with its own or none (a < 0). Hu et al. 2021, "LoRA"; many adapters in one batch:
// Chen et al. 2023, "Punica"; Sheng et al. 2024, "S-LoRA". Made by attach_adapters.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

enum Input : size_t { kX, kY, kA, kB, kAdapterOfToken, kScales, kRanks };

// Inputs: x [tokens, in], optional y [tokens, out] (else zeros), a [adapters, rank, in] and b
// [adapters, rank, out] of any plain type, adapter_of_token i32 [tokens] in [-1, adapters), scales
// [adapters], ranks i32 [adapters]: how many of an adapter's `rank` rows count, the rest is
// padding. b is the transpose of the usual [out, rank], so that both products read whole rows.
// Output [tokens, out].
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(1));
  for (const size_t input : {kA, kB, kAdapterOfToken, kScales, kRanks}) {
    if (!context.has(input)) return context.fail(fmt::format("input {} is missing", input));
  }
  VERGE_RETURN_IF_ERROR(expect_rank(context, kX, "x", 2));
  VERGE_RETURN_IF_ERROR(expect_rank(context, kA, "a", 3));
  VERGE_RETURN_IF_ERROR(expect_rank(context, kB, "b", 3));
  const Dim tokens = context.dims(kX)[0];
  const Dims &a = context.dims(kA), &b = context.dims(kB);
  VERGE_RETURN_IF_ERROR(expect_dim(context, kX, "x", 1, a[2]));
  VERGE_RETURN_IF_ERROR(expect_dim(context, kB, "b", 0, a[0]));
  VERGE_RETURN_IF_ERROR(expect_dim(context, kB, "b", 1, a[1]));
  VERGE_RETURN_IF_ERROR(expect_dims(context, kAdapterOfToken, "adapter_of_token", {tokens}));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, kAdapterOfToken, "adapter_of_token", DType::I32));
  VERGE_RETURN_IF_ERROR(expect_dims(context, kScales, "scales", {a[0]}));
  VERGE_RETURN_IF_ERROR(expect_dims(context, kRanks, "ranks", {a[0]}));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, kRanks, "ranks", DType::I32));
  const Type y{compute_dtype(context.type(kX).dtype), {tokens, b[2]}};
  if (context.has(kY)) {
    VERGE_RETURN_IF_ERROR(expect_dims(context, kY, "y", y.dims));
    VERGE_RETURN_IF_ERROR(expect_dtype(context, kY, "y", y.dtype));
  }
  context.outputs = {y};
  return {};
}

// dy passes; dx = scale (dy B_a^T) A_a is the same operator with a and b in each other's place.
void gradient(GradientContext& context) {
  Builder& b = context.builder;
  if (context.needs(kA) || context.needs(kB)) {
    b.fail(make_error(Code::Unsupported,
                      "lora ({}): adapters that serve are not trained; train the merged matrix",
                      context.node.source));
    return;
  }
  if (context.needs(kY)) context.set(kY, context.grad());
  if (!context.needs(kX)) return;
  const auto in = [&](size_t i) { return context.input(i); };
  context.set(kX, b.op("lora", {context.grad(), kNone, in(kB), in(kA), in(kAdapterOfToken),
                                in(kScales), in(kRanks)}));
}

// Of rows that all have an adapter of full rank.
Cost cost(const KernelCall& call) {
  const double tokens = static_cast<double>(call.in(kX).shape[0]);
  const Shape& a = call.in(kA).shape;
  const double adapters = static_cast<double>(a[0]), rank = static_cast<double>(a[1]);
  const double in = static_cast<double>(a[2]), out = static_cast<double>(call.out().shape[1]);
  const double stored = static_cast<double>(call.in(kA).bytes() + call.in(kB).bytes());
  return {2 * tokens * rank * (in + out),
          stored * std::min(tokens, adapters) / adapters + 4 * tokens * (in + 2 * out)};
}

void reference(const KernelCall& call) {
  const std::vector<double> x = load(call.in(kX)), ids = load(call.in(kAdapterOfToken));
  const std::vector<double> scales = load(call.in(kScales)), ranks = load(call.in(kRanks));
  const int64_t rank = call.in(kA).shape[1];
  const auto in = static_cast<size_t>(call.in(kA).shape[2]);
  const auto out = static_cast<size_t>(call.in(kB).shape[2]);
  std::vector<double> y = call.has(kY) ? load(call.in(kY)) : std::vector<double>(ids.size() * out);
  for (size_t row = 0; row < ids.size(); ++row) {
    if (ids[row] < 0) continue;
    const auto adapter = static_cast<size_t>(ids[row]);
    const auto used = static_cast<int64_t>(ranks[adapter]);
    const int64_t first = static_cast<int64_t>(adapter) * rank;
    const std::vector<double> a = load_rows(call.in(kA), first, used);
    const std::vector<double> b = load_rows(call.in(kB), first, used);
    for (size_t r = 0; r < static_cast<size_t>(used); ++r) {
      double sum = 0;
      for (size_t i = 0; i < in; ++i) sum += x[row * in + i] * a[r * in + i];
      sum *= scales[adapter];
      for (size_t o = 0; o < out; ++o) y[row * out + o] += sum * b[r * out + o];
    }
  }
  store(call.out(), y);
}

}  // namespace

OpDef lora() {
  return {.name = "lora",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, kY, false}}};
}

}  // namespace verge::graph::ops
