#include <verge/engine/graph/passes/compute_bf16.hpp>
#include <verge/engine/graph/shape_rules.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

TEST(ComputeBf16, MarksProductsOnly) {
  Builder b("products");
  const ValueId x = b.input("x", {DType::F32, {4, 4}});
  ValueId y = b.op("linear", {x, b.param("w", {DType::F32, {4, 4}})});
  y = b.op("tanh", {b.op("matmul", {y, x})});
  const ValueId q = b.op("reshape", {y}, dims_attrs({1, 4, 1, 4}));
  b.output(b.op("attention", {q, q, q}, {{"scale", 0.5}}), "y");
  const Graph before = *b.finish();
  const Graph after = compute_bf16(before);
  support::expect_same_results(before, after);
  for (const Node& node : after.nodes) {
    EXPECT_EQ(node.attrs.text("compute") == "bf16",
              node.op->name != "tanh" && node.op->name != "reshape")
        << node.op->name;
  }
}

}  // namespace
}  // namespace verge::graph
