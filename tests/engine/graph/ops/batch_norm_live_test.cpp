#include "op_check.hpp"

namespace verge::support {
namespace {

// The batch is 1, 5 with mean 3, variance 4, unbiased 8.
TEST(BatchNormLive, NormalizesByTheBatchAndMovesTheRunningStatistics) {
  const auto outputs = evaluate("batch_norm_live",
                                {given({2, 1, 1, 1}, {1, 5}), given({1}, {10}), given({1}, {1}),
                                 given({1}, {100}), given({1}, {20})},
                                {{"eps", 0.0}, {"momentum", 0.25}});
  expect_near(outputs[0], {-9, 11});
  expect_near(outputs[1], {75.75});
  expect_near(outputs[2], {17});
  expect_near(outputs[3], {3});
  expect_near(outputs[4], {0.5});
}

TEST(BatchNormLive, MayBeCutOffAtZero) {
  const graph::Attrs relu = {{"eps", 0.0}, {"activation", std::string("relu")}};
  const std::vector<Operand> inputs = {given({2, 1, 1, 1}, {1, 5}), given({1}, {10}),
                                       given({1}, {1}), given({1}, {100}), given({1}, {20})};
  expect_near(evaluate("batch_norm_live", inputs, relu)[0], {0, 11});
  const graph::Type image{DType::F32, {2, 1, 1, 1}}, channel{DType::F32, {1}};
  expect_refused("batch_norm_live", {image, channel, channel, channel, channel},
                 {{"activation", std::string("silu")}}, "the activation cannot be fused");
}

TEST(BatchNormLive, Gradient) {
  expect_gradient("batch_norm_live",
                  {trained({3, 2, 2, 2}), trained({2}), trained({2}), fixed({2}), fixed({2}, 1, 2)},
                  {{"eps", 1e-5}});
  expect_gradient("batch_norm_live",
                  {trained({3, 2, 2, 2}), trained({2}), trained({2}), fixed({2}), fixed({2}, 1, 2)},
                  {{"eps", 1e-5}, {"activation", std::string("relu")}});
}

}  // namespace
}  // namespace verge::support
