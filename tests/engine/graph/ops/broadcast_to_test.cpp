#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Dim;
using graph::dims_attrs;

TEST(BroadcastTo, ShapeRule) {
  EXPECT_EQ(inferred("broadcast_to", {{DType::F32, {4}}}, dims_attrs({Dim(1, 0), 4})),
            "f32 [n, 4]");
  expect_refused("broadcast_to", {{DType::F32, {2, 4}}}, dims_attrs({4}), "cannot become [4]");
}

TEST(BroadcastTo, Repeats) {
  expect_values("broadcast_to", {given({2, 1}, {1, 2})}, dims_attrs({2, 2}), {1, 1, 2, 2});
}

TEST(BroadcastTo, Gradient) {
  expect_gradient("broadcast_to", {trained({3, 1})}, dims_attrs({2, 3, 4}));
}

}  // namespace
}  // namespace verge::support
