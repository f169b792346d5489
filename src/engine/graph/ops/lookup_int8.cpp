// y = table[x]: any function of one level, a level (levels.hpp).

#include <verge/engine/graph/levels.hpp>
#include <verge/engine/graph/shape_rules.hpp>

namespace verge::graph::ops {
namespace {

// Inputs: x i8 or u8, table i8 or u8 [256], by the levels of x from the least on. Output like x, of
// the table's type.
Status infer(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(2));
  VERGE_RETURN_IF_ERROR(expect_levels(context, 0, "x", ""));
  VERGE_RETURN_IF_ERROR(expect_levels(context, 1, "table", ""));
  VERGE_RETURN_IF_ERROR(expect_dims(context, 1, "table", {Dim(256)}));
  context.outputs = {{context.type(1).dtype, context.dims(0)}};
  return {};
}

void reference(const KernelCall& call) {
  const std::vector<double> table = load(call.in(1));
  std::vector<double> x = load(call.in(0));
  for (double& level : x) level = table[static_cast<size_t>(level - least_level(call.in(0).dtype))];
  store(call.out(), x);
}

}  // namespace

OpDef lookup_int8() {
  return {
      .name = "lookup_int8", .infer = infer, .reference = reference, .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
