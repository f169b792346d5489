#include "../c_check.hpp"

namespace verge::emit {
namespace {

const COperand kParameter{.dims = {3, 4}, .is_kept = true};
const COperand kRate{{}, {0.1}};

TEST(CTraining, LossesAgreeWithTheReferences) {
  expect_c("softmax_cross_entropy", {{.dims = {4, 5}}, {{4}, {0, -1, 4, 2}, DType::I32}}, {},
           {0, 1});
  expect_c("mse_loss", {{.dims = {3, 4}}, {.dims = {3, 4}}});
  expect_c("mse_loss_grad", {{.dims = {3, 4}}, {.dims = {3, 4}}, {{}, {0.5}}});
  expect_c("clip_grad", {{.dims = {30}}}, {{"max_norm", 0.5}});
  expect_c("clip_grad", {{.dims = {3}}}, {{"max_norm", 50.0}});
}

TEST(CTraining, UpdatesAgreeWithTheReferences) {
  const COperand gradient{.dims = {3, 4}}, absent{.is_absent = true};
  expect_c("sgd", {kParameter, gradient, absent, kRate}, {{"weight_decay", 0.1}}, {});
  for (const int64_t nesterov : {0, 1}) {
    expect_c("sgd", {kParameter, gradient, kParameter, kRate},
             {{"momentum", 0.9}, {"nesterov", nesterov}}, {});
  }
  expect_c("sgd_matmul", {kParameter, {.dims = {5, 3}}, {.dims = {5, 4}}, kRate},
           {{"weight_decay", 0.1}}, {});
  COperand square = kParameter;
  square.values = std::vector<double>(12, 0.25);
  expect_c("adamw", {kParameter, gradient, kParameter, square, {{}, {3}, DType::I64}, kRate},
           {{"weight_decay", 0.1}}, {});
  expect_c("lion", {kParameter, gradient, kParameter, kRate}, {{"weight_decay", 0.1}}, {});
  expect_c("scatter_channels", {kParameter, {.dims = {3, 2}}, {{2}, {3, 1}, DType::I32}},
           {{"axis", int64_t{1}}}, {});
  expect_c("scatter_channels", {kParameter, {.dims = {1, 4}}, {{1}, {2}, DType::I32}},
           {{"axis", int64_t{0}}}, {});
}

}  // namespace
}  // namespace verge::emit
