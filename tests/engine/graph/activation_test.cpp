#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/graph/activation.hpp>

namespace verge::graph {
namespace {

TEST(Activation, SlopesAgreeWithDifferences) {
  const std::tuple<const char*, const char*, double (*)(double)> cases[] = {
      {"silu", "", silu_of},     {"gelu", "tanh", gelu_of},     {"gelu", "none", gelu_erf_of},
      {"hswish", "", hswish_of}, {"hsigmoid", "", hsigmoid_of},
  };
  for (const auto& [of, approximate, f] : cases) {
    for (const double x : {-4.0, -1.3, 0.0, 0.7, 5.0}) {
      const double numeric = (f(x + 1e-5) - f(x - 1e-5)) / 2e-5;
      EXPECT_NEAR(activation_slope(of, {{"approximate", approximate}}, x), numeric, 1e-9) << of;
    }
  }
  EXPECT_FALSE(has_activation_slope("sine"));
}

TEST(Activation, FusedOnesAreKnownByName) {
  EXPECT_EQ(fused_activation("none")(-2), -2);
  EXPECT_EQ(fused_activation("relu")(-2), 0);
  EXPECT_EQ(fused_activation("relu6")(7), 6);
  EXPECT_EQ(fused_activation("silu")(0), 0);
  EXPECT_EQ(fused_activation("sigmoid")(0), 0.5);
  EXPECT_EQ(fused_activation("hswish")(4), 4);
  EXPECT_EQ(fused_activation("hsigmoid")(4), 1);
  EXPECT_EQ(fused_activation("sine"), nullptr);
}

}  // namespace
}  // namespace verge::graph
