#include "../c_check.hpp"

namespace verge::emit {
namespace {

constexpr int64_t kYes = 1;

TEST(CProducts, LinearAgreesWithTheReference) {
  expect_c("linear", {{.dims = {3, 19}}, {.dims = {5, 19}}});
  for (const char* activation : {"none", "relu", "silu", "gelu", "gelu_erf"}) {
    expect_c("linear", {{.dims = {2, 3, 8}}, {.dims = {5, 8}}, {.dims = {5}}, {.dims = {2, 3, 5}}},
             {{"activation", activation}});
  }
}

TEST(CProducts, MatmulAgreesWithTheReference) {
  expect_c("matmul", {{.dims = {2, 3, 4}}, {.dims = {4, 5}}});
  expect_c("matmul", {{.dims = {3, 4}}, {.dims = {5, 4}}}, {{"transpose_b", kYes}});
  expect_c("matmul", {{.dims = {2, 3, 4}}, {.dims = {2, 3, 5}}}, {{"transpose_a", kYes}});
  expect_c("matmul", {{.dims = {2, 3, 4}}, {.dims = {2, 4, 5}}}, {{"batched", kYes}});
  expect_c("matmul", {{.dims = {2, 4, 3}}, {.dims = {2, 5, 4}}},
           {{"batched", kYes}, {"transpose_a", kYes}, {"transpose_b", kYes}});
}

}  // namespace
}  // namespace verge::emit
