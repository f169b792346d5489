#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(UpsampleNearest, RepeatsPixels) {
  expect_values("upsample_nearest", {given({1, 1, 1, 2}, {1, 2})}, {{"factor", int64_t{2}}},
                {1, 1, 2, 2, 1, 1, 2, 2});
  expect_refused("upsample_nearest", {{DType::F32, {1, 1, 1, 1}}}, {{"factor", int64_t{0}}},
                 "factor is 0");
}

TEST(UpsampleNearest, Gradient) {
  expect_gradient("upsample_nearest", {trained({2, 2, 2, 3})}, {{"factor", int64_t{3}}});
}

}  // namespace
}  // namespace verge::support
