#include "../c_check.hpp"

namespace verge::emit {
namespace {

TEST(CElementwise, AgreesWithTheReferences) {
  for (const char* op : {"sigmoid", "tanh", "exp", "erf", "hsigmoid", "hswish", "relu", "silu",
                         "gelu", "leaky_relu"}) {
    expect_c(op, {{.dims = {3, 7}}});
  }
  for (const char* op : {"log", "sqrt", "rsqrt"}) expect_c(op, {{{4}, {0.25, 1, 2, 9}}});
  expect_c("hswish", {{{4}, {-4, -1, 2, 5}}});
  expect_c("gelu", {{.dims = {9}}}, {{"approximate", "none"}});
  expect_c("scale", {{.dims = {5}}}, {{"factor", 3.0}, {"offset", -1.0}});
  expect_c("softcap", {{{3}, {-40, 1, 60}}}, {{"cap", 30.0}});
  for (const char* mode : {"even", "floor", "ceil", "trunc"}) {
    expect_c("round", {{{6}, {-2.5, -1.5, -0.2, 0.5, 1.5, 2.7}}}, {{"mode", mode}});
  }
}

TEST(CElementwise, MasksHoldABitAnElement) {
  expect_c("relu", {{.dims = {3, 7}}}, {}, {0, 1});
  expect_c("relu", {{.dims = {16}}}, {}, {1});
  expect_c("clip", {{{4}, {-1, 0.5, 6, 9}}}, {{"min", 0.0}, {"max", 6.0}}, {0, 1});
  expect_c("apply_mask", {{.dims = {11}}, {{2}, {0b10100101, 0b110}, DType::U8}});
}

TEST(CElementwise, SlopesAgreeWithTheReferences) {
  for (const char* of : {"sigmoid", "tanh", "silu", "gelu", "hswish", "hsigmoid"}) {
    expect_c("activation_grad", {{.dims = {9}}, {.dims = {9}}}, {{"of", of}});
  }
  expect_c("activation_grad", {{.dims = {9}}, {.dims = {9}}},
           {{"of", "gelu"}, {"approximate", "none"}});
}

}  // namespace
}  // namespace verge::emit
