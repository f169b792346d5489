#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(ReduceMeanGrad, SharesTheGradient) {
  graph::Attrs attrs = graph::dims_attrs({2, 2});
  attrs.set("axes", std::vector<int64_t>{1});
  expect_values("reduce_mean_grad", {given({2}, {2, 4})}, attrs, {1, 1, 2, 2});
  expect_refused("reduce_mean_grad", {{DType::F32, {3}}}, attrs, "dy is [3] instead of [2]");
}

}  // namespace
}  // namespace verge::support
