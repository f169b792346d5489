#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/graph/dynamic_code.hpp>

namespace verge::graph {
namespace {

TEST(DynamicCode, CoversPowersOfTenWithHalfAsManyLevelsEach) {
  EXPECT_EQ(DynamicCode::of_signed().size(), 128);
  EXPECT_EQ(DynamicCode::of_unsigned().size(), 256);
  for (const auto* code : {&DynamicCode::of_signed(), &DynamicCode::of_unsigned()}) {
    EXPECT_EQ(code->decode(0), 0.0f);
    EXPECT_EQ(code->decode(code->size() - 1), 1.0f);
    int in_top = 0, in_next = 0;
    for (int i = 1; i < code->size() - 1; ++i) {
      EXPECT_GT(code->decode(i), code->decode(i - 1));
      in_top += code->decode(i) > 0.1f;
      in_next += code->decode(i) > 0.01f && code->decode(i) < 0.1f;
    }
    EXPECT_EQ(in_top, code->size() / 2);
    EXPECT_EQ(in_next, code->size() / 4);
  }
}

// Against a search of the whole table.
TEST(DynamicCode, EncodesToTheNearest) {
  for (const auto* code : {&DynamicCode::of_signed(), &DynamicCode::of_unsigned()}) {
    for (int i = 0; i < code->size(); ++i) EXPECT_EQ(code->encode(code->decode(i)), i);
    for (double exponent = -9; exponent <= 0; exponent += 0.001) {
      const auto magnitude = static_cast<float>(std::pow(10, exponent));
      int nearest = 0;
      for (int i = 1; i < code->size(); ++i) {
        if (std::abs(code->decode(i) - magnitude) < std::abs(code->decode(nearest) - magnitude)) {
          nearest = i;
        }
      }
      const double best = std::abs(code->decode(nearest) - magnitude);
      const double found = std::abs(code->decode(code->encode(magnitude)) - magnitude);
      EXPECT_NEAR(found, best, 1e-7 * magnitude);
    }
  }
}

}  // namespace
}  // namespace verge::graph
