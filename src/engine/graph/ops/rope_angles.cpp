// The angles of rotary position embedding (Su et al. 2021), computed once for all layers. YaRN and
// Llama 3 scaling are in the frequency table and in `magnitude`.

#include <cmath>

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: positions i32 [tokens], frequencies [pairs], in radians per position. Output [tokens, 2 *
// pairs]: of each position first the cosines, then the sines, times magnitude.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_dtype(context, 0, "positions", DType::I32));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 0, "positions", 1));
  VERGE_RETURN_IF_ERROR(expect_rank(context, 1, "frequencies", 1));
  const Dim pairs = context.dims(1)[0];
  context.outputs = {{compute_dtype(context.type(1).dtype),
                      {context.dims(0)[0], Dim(2 * pairs.factor, pairs.symbol)}}};
  return {};
}

void reference(const KernelCall& call) {
  const std::vector<double> positions = load(call.in(0)), frequencies = load(call.in(1));
  const double magnitude = call.attrs.real("magnitude", 1);
  const size_t pairs = frequencies.size();
  std::vector<double> angles(positions.size() * 2 * pairs);
  for (size_t t = 0; t < positions.size(); ++t) {
    for (size_t i = 0; i < pairs; ++i) {
      angles[2 * t * pairs + i] = magnitude * std::cos(positions[t] * frequencies[i]);
      angles[2 * t * pairs + pairs + i] = magnitude * std::sin(positions[t] * frequencies[i]);
    }
  }
  store(call.out(), angles);
}

}  // namespace

OpDef rope_angles() {
  return {.name = "rope_angles", .infer = infer, .reference = reference};
}

}  // namespace verge::graph::ops
