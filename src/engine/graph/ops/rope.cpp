// Rotary position embedding: pair i of a head turns by the angle position * frequencies[i].
// Su et al. 2021. YaRN and Llama 3 scaling are in the frequency table and in `magnitude`.

#include <cmath>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x [(batch,) tokens, heads, head_dim], positions i32 [tokens], frequencies [rope_dim/2].
// Output y like x. Elements of a head from rope_dim on pass unchanged.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(expect_min_rank(context, 0, "x", 3));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 1, "positions", DType::I32));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "positions", 1));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 2, "frequencies", 1));
  const Dims& x = context.dims(0);
  const Dim& tokens = x[x.size() - 3];
  const Dim& positions = context.dims(1)[0];
  if (tokens.symbol != positions.symbol || tokens.factor % positions.factor != 0) {
    VERGE_RETURN_IF_ERROR(expect_dim(context, 1, "positions", 0, tokens));
  }
  if (2 * context.dims(2)[0].factor > x.back().factor) {
    return context.fail(fmt::format("frequencies has extent {}, more than half of head_dim {}",
                                    context.dims(2)[0].factor, x.back().factor));
  }
  const std::string_view pairs = context.node.attrs.text("pairs", "half");
  if (pairs != "half" && pairs != "interleaved") {
    return context.fail(fmt::format("pairs is \"{}\", not half or interleaved", pairs));
  }
  context.outputs = {{compute_dtype(context.type(0).dtype), x}};
  return {};
}

// Turns back by the same angle: needs nothing but the positions.
void gradient(GradientContext& context) {
  if (!context.needs(0)) return;
  Attrs attrs = context.node.attrs;
  attrs.set("inverse", int64_t{1} - attrs.integer("inverse"));
  context.set(
      0, context.builder.op("rope", {context.grad(), context.input(1), context.input(2)}, attrs));
}

Cost cost(const KernelCall& call) {
  const double count = static_cast<double>(call.in(0).shape.count());
  return {3 * count, 8 * count};
}

void reference(const KernelCall& call) {
  std::vector<double> x = load(call.in(0));
  const std::vector<double> positions = load(call.in(1)), frequencies = load(call.in(2));
  const Shape& shape = call.in(0).shape;
  const auto head_dim = static_cast<size_t>(shape.back());
  const auto heads = static_cast<size_t>(shape[shape.rank() - 2]);
  const size_t half = frequencies.size();
  const bool interleaved = call.attrs.text("pairs", "half") == "interleaved";
  const double magnitude = call.attrs.real("magnitude", 1);
  const double sign = call.attrs.integer("inverse") != 0 ? -1 : 1;
  for (size_t head = 0; head < x.size() / head_dim; ++head) {
    const double position = positions[head / heads % positions.size()];
    for (size_t i = 0; i < half; ++i) {
      double& a = x[head * head_dim + (interleaved ? 2 * i : i)];
      double& b = x[head * head_dim + (interleaved ? 2 * i + 1 : i + half)];
      const double angle = sign * position * frequencies[i];
      const double cosine = std::cos(angle) * magnitude, sine = std::sin(angle) * magnitude;
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
