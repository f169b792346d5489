#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include <verge/engine/kernels/kernel.hpp>

#include "paths.hpp"

namespace verge::kernels {
namespace {

const std::filesystem::path kTests = test::source_file("tests/engine/kernels/ops");

TEST(Kernel, IsFoundByItsOperatorsName) {
  EXPECT_EQ(find_kernel("linear")->op, "linear");
  EXPECT_EQ(find_kernel("linea"), nullptr);
  EXPECT_EQ(find_kernel("zzz"), nullptr);
  EXPECT_EQ(find_kernel(""), nullptr);
}

TEST(Kernel, EachIsComparedWithItsReference) {
  std::stringstream tests;
  for (const auto& entry : std::filesystem::directory_iterator(kTests)) {
    tests << std::ifstream(entry.path()).rdbuf();
  }
  size_t kernels = 0;
  for (const graph::OpDef& op : graph::all_ops()) {
    if (find_kernel(op.name) == nullptr) continue;
    ++kernels;
    EXPECT_NE(tests.str().find(fmt::format("\"{}\"", op.name)), std::string::npos)
        << "no case of " << op.name << " in tests/engine/kernels/ops";
  }
  EXPECT_GT(kernels, 40u);
}

// A bias of 16 bits would be read beyond its end, and so would a single f64 be read as f32.
TEST(Kernel, RefusesOtherTypesThanItReads) {
  const graph::Attrs none;
  const auto is_taken = [&](const char* op, const std::vector<TensorView>& inputs, Shape out) {
    const TensorView y{nullptr, DType::F32, out};
    return find_kernel(op)->supports({inputs, {&y, 1}, none});
  };
  const TensorView x{nullptr, DType::F32, {2, 4}}, w{nullptr, DType::F32, {3, 4}};
  EXPECT_TRUE(is_taken("linear", {x, w, {nullptr, DType::F32, {3}}}, {2, 3}));
  EXPECT_FALSE(is_taken("linear", {x, w, {nullptr, DType::F16, {3}}}, {2, 3}));
  EXPECT_FALSE(is_taken("linear", {x, w, {}, {nullptr, DType::BF16, {2, 3}}}, {2, 3}));
  for (const char* op : {"log", "sqrt", "erf", "exp", "tanh", "sigmoid"}) {
    EXPECT_TRUE(is_taken(op, {{nullptr, DType::F32, {}}}, {})) << op;
    EXPECT_FALSE(is_taken(op, {{nullptr, DType::F64, {}}}, {})) << op;
  }
}

// Whose offsets would not fit 32 bits.
TEST(Kernel, RefusesConvolutionsWithTooLargePlanes) {
  const auto is_taken = [](int64_t width, int64_t dilation) {
    const graph::Attrs attrs = {{"dilations", std::vector<int64_t>{1, dilation}}};
    const TensorView inputs[] = {{nullptr, DType::F32, {1, 64, 1, width}},
                                 {nullptr, DType::F32, {64, 64, 1, 3}}};
    const TensorView y{nullptr, DType::F32, {1, 64, 1, width - 2 * dilation}};
    return find_kernel("conv2d")->supports({inputs, {&y, 1}, attrs});
  };
  EXPECT_TRUE(is_taken(1 << 16, 8));
  EXPECT_FALSE(is_taken(1 << 26, 8));
}

}  // namespace
}  // namespace verge::kernels
