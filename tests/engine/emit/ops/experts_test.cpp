#include "../c_check.hpp"

namespace verge::emit {
namespace {

TEST(CExperts, TheRouterAgreesWithTheReference) {
  for (const char* gate : {"softmax", "sigmoid"}) {
    for (const int64_t normalize : {0, 1}) {
      expect_c("top_k_experts", {{.dims = {3, 5}}},
               {{"k", int64_t{2}}, {"gate", gate}, {"normalize", normalize}}, {0, 1});
    }
  }
  // Of equal scores the lower expert.
  expect_c("top_k_experts", {{.dims = {1, 4}, .values = {1, 2, 2, 2}}},
           {{"k", int64_t{3}}, {"normalize", int64_t{1}}}, {0, 1});
}

TEST(CExperts, ProductsAgreeWithTheReference) {
  const COperand ids{.dims = {2, 3}, .values = {3, 0, 2, 1, 1, 3}, .dtype = DType::I32};
  expect_c("expert_linear", {{.dims = {2, 1, 19}}, {.dims = {4, 5, 19}}, ids});
  expect_c("expert_linear", {{.dims = {2, 3, 19}}, {.dims = {4, 5, 19}}, ids});
  expect_c("expert_combine", {{.dims = {2, 3, 7}}, {.dims = {2, 3}}});
}

}  // namespace
}  // namespace verge::emit
