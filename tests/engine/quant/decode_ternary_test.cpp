#include <gtest/gtest.h>

#include "captured_blocks.hpp"

namespace verge::quant {
namespace {

constexpr Captured kCapturedTernary[] = {
    {DType::TQ1_0, 0x1512ccccc376e9a8ull, {0.5f, 0.0f, -0.5f, 0.0f, -0.5f, -0.5f}},
    {DType::TQ2_0,
     0x2c2c65aee49b1362ull,
     {0.03125f, 0.03125f, 0.0f, -0.015625f, -0.015625f, 0.015625f}},
};

TEST(DecodeTernary, DecodesAsLlamaCppDoes) {
  for (const Captured& expected : kCapturedTernary) expect_decodes(expected);
}

}  // namespace
}  // namespace verge::quant
