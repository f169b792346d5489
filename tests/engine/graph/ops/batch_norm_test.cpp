#include "op_check.hpp"

namespace verge::support {
namespace {

TEST(BatchNorm, UsesTheGivenStatistics) {
  expect_values("batch_norm",
                {given({1, 2, 1, 2}, {1, 5, 10, 30}), given({2}, {1, 2}), given({2}, {0, 100}),
                 given({2}, {3, 20}), given({2}, {4, 100})},
                {{"eps", 0.0}}, {-1, 1, 98, 102});
}

TEST(BatchNorm, ShapeRule) {
  const graph::Type x{DType::F32, {2, 3, 4, 4}}, channel{DType::F32, {3}};
  expect_refused("batch_norm", {x, channel, channel, channel, {DType::F32, {4}}}, {},
                 "input 4 is [4] instead of [3]");
}

TEST(BatchNorm, Gradient) {
  expect_gradient("batch_norm", {trained({2, 3, 2, 2}), trained({3}), trained({3}), fixed({3}),
                                 fixed({3}, 0.5, 2)});
  expect_gradient("batch_norm", {trained({2, 3, 2, 2}), fixed({3}), trained({3}), fixed({3}),
                                 fixed({3}, 0.5, 2)});
}

}  // namespace
}  // namespace verge::support
