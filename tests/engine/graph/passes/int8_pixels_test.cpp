// What lower_int8_test.cpp does not ask: networks whose weights change.

#include <verge/engine/graph/passes/int8_pixels.hpp>

#include "pass_check.hpp"

namespace verge::graph {
namespace {

// A convolution of levels over a weight that is a parameter, or made of one.
Graph network(bool is_trainable, bool is_merged) {
  Builder b("net");
  ValueId w = b.param("w", {DType::I8, {3, 2, 1, 1}});
  b.graph().value(w).is_trainable = is_trainable;
  if (is_merged) {
    Tensor list(DType::I32, {1});
    list.span<int32_t>()[0] = 1;
    w = b.op(
        "merge_channels",
        {w, b.param("w.channels", {DType::I8, {3, 1, 1, 1}}), b.constant("list", std::move(list))},
        {{"axis", int64_t{1}}});
  }
  const ValueId y = b.op("conv2d_int8", {b.input("x", {DType::I8, {1, 2, 4, 4}}), w, kNone,
                                         b.param("m", {DType::F32, {3}})});
  b.output(y, "y");
  return *b.finish();
}

TEST(Int8Pixels, TakesFrozenWeightsAlone) {
  const Graph frozen = network(false, false);
  EXPECT_GT(int8_pixels(frozen).nodes.size(), frozen.nodes.size());
  EXPECT_EQ(int8_pixels(network(true, false)).nodes.size(), 1u);
  EXPECT_EQ(int8_pixels(network(false, true)).nodes.size(), 2u);
}

}  // namespace
}  // namespace verge::graph
