#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/fused_norm.hpp>

namespace verge::graph {
namespace {

TEST(FusedNorm, ItsWeightIsTheLastInput) {
  Builder b("products");
  const ValueId x = b.input("x", {DType::F32, {2, 8}}), w = b.param("w", {DType::F32, {4, 8}});
  b.op("linear", {x, w});
  EXPECT_EQ(norm_input(b.graph().nodes.back()), 4u);
  b.op("linear_glu", {x, w, w});
  EXPECT_EQ(norm_input(b.graph().nodes.back()), 3u);
  b.op_all("linear_multi", {x, w, kNone, w, kNone});
  EXPECT_EQ(norm_input(b.graph().nodes.back()), 5u);
}

TEST(FusedNorm, AWeightThatIsMissingOrOfAnotherWidthIsRefused) {
  const auto failure = [](bool given, int64_t width) {
    Builder b("products");
    const ValueId x = b.input("x", {DType::F32, {2, 8}}), w = b.param("w", {DType::F32, {4, 8}});
    const ValueId norm = given ? b.param("n", {DType::F32, {width}}) : kNone;
    b.op("linear_glu", {x, w, w, norm}, {{"norm_eps", 1e-5}});
    const auto graph = b.finish();
    return graph ? std::string() : graph.error().message;
  };
  EXPECT_EQ(failure(true, 8), "");
  EXPECT_NE(failure(false, 8).find("the weight of the norm is missing"), std::string::npos);
  EXPECT_NE(failure(true, 7).find("norm"), std::string::npos);
}

TEST(FusedNorm, RowsAreNormalisedEachByItself) {
  float values[] = {3, 4, 0, 2}, weight[] = {1, 10};
  const TensorView inputs[] = {{values, DType::F32, {2, 2}}, {weight, DType::F32, {2}}};
  const Attrs plain, normed{{"norm_eps", 0.0}};
  EXPECT_EQ(load_normalized({inputs, {}, plain}, 1), (std::vector<double>{3, 4, 0, 2}));
  const std::vector<double> x = load_normalized({inputs, {}, normed}, 1);
  EXPECT_NEAR(x[0], 3 / std::sqrt(12.5), 1e-12);
  EXPECT_NEAR(x[1], 40 / std::sqrt(12.5), 1e-12);
  EXPECT_NEAR(x[3], 10 * std::sqrt(2), 1e-12);
}

}  // namespace
}  // namespace verge::graph
