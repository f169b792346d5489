#include "../c_check.hpp"

namespace verge::emit {
namespace {

TEST(CNorms, GradientsByGivenStatistics) {
  const COperand dy{.dims = {2, 3, 4, 5}}, channels{.dims = {3}};
  const COperand variance{{3}, {0.5, 1, 2}};
  expect_c("batch_norm_grad", {dy, channels, variance}, {}, {0, 1});
  expect_c("batch_norm_grad", {dy, channels, variance, dy, channels}, {{"eps", 1e-3}}, {0, 1, 2});
  expect_c("batch_norm_grad", {dy, channels, variance, dy, channels}, {}, {1, 2});
}

TEST(CNorms, AgreeWithTheReferences) {
  const std::vector<double> variance = {0.5, 1, 2};
  expect_c("batch_norm",
           {{.dims = {2, 3, 2, 2}}, {.dims = {3}}, {.dims = {3}}, {.dims = {3}}, {{3}, variance}});
  expect_c("layer_norm", {{.dims = {4, 9}}, {.dims = {9}}, {.dims = {9}}}, {{"eps", 1e-5}},
           {0, 1, 2});
  expect_c("layer_norm", {{.dims = {4, 9}}, {.dims = {9}}}, {{"eps", 1e-5}});
  expect_c("rms_norm", {{.dims = {4, 9}}, {.dims = {9}}}, {{"eps", 1e-5}}, {0, 1});
  expect_c("rms_norm", {{.dims = {4, 9}}}, {{"eps", 1e-5}});
  expect_c("softmax", {{.dims = {3, 7}}});
  expect_c("softmax", {{{1, 3}, {1000, 1001, 0}}});
  expect_c("log_softmax", {{.dims = {3, 7}}});
  expect_c("softmax_grad", {{.dims = {3, 7}}, {.dims = {3, 7}}});
}

TEST(CNorms, BatchStatisticsMoveTheRunningOnes) {
  const COperand running{.dims = {3}, .is_kept = true};
  const std::vector<COperand> operands = {
      {.dims = {2, 3, 4, 4}}, {.dims = {3}}, {.dims = {3}}, running, running};
  expect_c("batch_norm_live", operands, {}, {0, 3, 4});
  expect_c("batch_norm_live", operands, {{"activation", "relu"}, {"momentum", 0.3}}, {0});
}

TEST(CNorms, BatchNormsGradientKnowsItsRelu) {
  const std::vector<COperand> plain = {{.dims = {2, 3, 4, 4}},
                                       {.dims = {3}},
                                       {.dims = {3}},
                                       {{3}, {0.7, 1, 1.5}},
                                       {.dims = {2, 3, 4, 4}}};
  expect_c("batch_norm_live_grad", plain, {}, {0, 1, 2});
  std::vector<COperand> with_relu = plain;
  with_relu.push_back({.dims = {3}});
  expect_c("batch_norm_live_grad", with_relu, {{"activation", "relu"}}, {0, 1, 2});
}

}  // namespace
}  // namespace verge::emit
