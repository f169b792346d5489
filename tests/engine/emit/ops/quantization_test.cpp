#include "../c_check.hpp"

namespace verge::emit {
namespace {

TEST(CQuantization, AgreesWithTheReferences) {
  for (const char* to : {"u8", "i8"}) {
    expect_c("quantize", {{.dims = {2, 3, 4}}},
             {{"scale", 0.015625}, {"zero_point", int64_t{9}}, {"to", to}});
    expect_c("quantize", {{.dims = {2, 3, 4}}, {{3}, {0.25, 0.5, 0.0625}}},
             {{"axis", int64_t{1}}, {"to", to}});
  }
  const graph::Attrs by_one = {{"scale", 0.25}, {"zero_point", int64_t{3}}};
  expect_c("dequantize", {{{4}, {0, 3, 128, 255}, DType::U8}}, by_one);
  expect_c("dequantize", {{{4}, {-128, 3, 0, 127}, DType::I8}}, by_one);
  expect_c(
      "dequantize",
      {{{2, 2}, {-5000, 3, 7, 70000}, DType::I32}, {{2}, {0.5, 2}}, {{2}, {1, -1}, DType::I32}},
      {{"axis", int64_t{-1}}});
}

}  // namespace
}  // namespace verge::emit
