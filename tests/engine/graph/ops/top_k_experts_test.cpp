#include "op_check.hpp"

namespace verge::support {
namespace {

graph::Attrs route(int64_t k, bool normalize, const char* gate = "softmax") {
  return {{"k", k}, {"normalize", int64_t{normalize}}, {"gate", gate}};
}

TEST(TopKExperts, ShapeRule) {
  const graph::Type logits{DType::F32, {graph::Dim(1, 0), 8}};
  EXPECT_EQ(inferred("top_k_experts", {logits}, route(2, true)), "i32 [n, 2], f32 [n, 2]");
  expect_refused("top_k_experts", {logits}, route(9, true), "k is 9, there are 8 experts");
}

// Scores 1/8, 4/8, 1/8, 2/8.
TEST(TopKExperts, PicksTheLargestAndNormalizes) {
  const Operand logits = given({1, 4}, {0, std::log(4.0), 0, std::log(2.0)});
  const auto plain = evaluate("top_k_experts", {logits}, route(3, false));
  expect_near(plain[0], {1, 3, 0});
  expect_near(plain[1], {0.5, 0.25, 0.125});
  expect_near(evaluate("top_k_experts", {logits}, route(2, true))[1], {2.0 / 3, 1.0 / 3});
  expect_near(evaluate("top_k_experts", {logits}, route(1, false, "sigmoid"))[1], {0.8});
}

TEST(TopKExperts, Gradient) {
  for (const char* gate : {"softmax", "sigmoid"}) {
    for (const bool normalize : {false, true}) {
      expect_gradient("top_k_experts", {trained({3, 5}, -3, 3)}, route(2, normalize, gate), {1});
    }
  }
}

}  // namespace
}  // namespace verge::support
