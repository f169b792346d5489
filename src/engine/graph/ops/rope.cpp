// Rotary position embedding (Su et al. 2021): pair i of a head turns by the angle that rope_angles
// gives.

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [(batch,) tokens, heads, head_dim], angles [tokens, rope_dim]. Output y like x.
// Elements of a head from rope_dim on pass unchanged.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "x", 3));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "angles", 2));
  const Dims& x = context.dims(0);
  const Dim& tokens = x[x.size() - 3];
  const Dim& positions = context.dims(1)[0];
  if (tokens.symbol != positions.symbol || tokens.factor % positions.factor != 0) {
    VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "angles", 0, tokens));
  }
  if (context.dims(1)[1].factor > x.back().factor) {
    return context.fail(fmt::format("angles has extent {}, more than head_dim {}",
                                    context.dims(1)[1].factor, x.back().factor));
  }
  const std::string_view pairs = context.node.attrs.text("pairs", "half");
  if (pairs != "half" && pairs != "interleaved") {
    return context.fail(fmt::format("pairs is \"{}\", not half or interleaved", pairs));
  }
  context.outputs = {{compute_dtype(context.type(0).dtype), x}};
  return {};
}

// Turns back by the same angles: needs nothing of x.
void gradient(GradientContext& context) {
  if (!context.needs(0)) return;
  Attrs attrs = context.node.attrs;
  attrs.set("inverse", int64_t{1} - attrs.integer("inverse"));
  context.set(0, context.builder.op("rope", {context.grad(), context.input(1)}, attrs));
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {3 * count, 8 * count};
}

void reference(const KernelCall& call) {
  std::vector<double> x = load(call.in(0));
  const std::vector<double> angles = load(call.in(1));
  const Shape& shape = call.in(0).shape;
  const auto head_dim = static_cast<size_t>(shape.back());
  const auto heads = static_cast<size_t>(shape[shape.rank() - 2]);
  const auto dims = static_cast<size_t>(call.in(1).shape.back());
  const size_t half = dims / 2, tokens = angles.size() / dims;
  const bool interleaved = call.attrs.text("pairs", "half") == "interleaved";
  const double sign = call.attrs.integer("inverse") != 0 ? -1 : 1;
  for (size_t head = 0; head < x.size() / head_dim; ++head) {
    const double* row = angles.data() + head / heads % tokens * dims;
    for (size_t i = 0; i < half; ++i) {
      double& a = x[head * head_dim + (interleaved ? 2 * i : i)];
      double& b = x[head * head_dim + (interleaved ? 2 * i + 1 : i + half)];
      const double cosine = row[i], sine = sign * row[half + i];
      const double turned = a * cosine - b * sine;
      b = a * sine + b * cosine;
      a = turned;
    }
  }
  store(call.out(), x);
}

}  // namespace

OpDef rope() {
  return {.name = "rope",
          .infer = infer,
          .gradient = gradient,
          .cost = cost,
          .reference = reference,
          .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
