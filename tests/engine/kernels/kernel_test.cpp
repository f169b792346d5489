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

}  // namespace
}  // namespace verge::kernels
