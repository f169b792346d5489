#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Attrs;

TEST(Attention, ShapeRule) {
  const graph::Type q{DType::F32, {graph::Dim(1, 0), 7, 4, 8}},
      k{DType::F32, {graph::Dim(1, 0), 7, 2, 8}};
  EXPECT_EQ(inferred("attention", {q, k, k}), "f32 [n, 7, 4, 8], f32 [n, 4, 7]");
  expect_refused("attention", {q, k, q}, {}, "v is [n, 7, 4, 8] instead of [n, 7, 2, 8]");
  const graph::Type odd{DType::F32, {graph::Dim(1, 0), 7, 3, 8}};
  expect_refused("attention", {q, odd, odd}, {}, "4 heads, no multiple of the 3 of k");
}

// With zero queries each token gets the mean of the values it sees.
TEST(Attention, MasksByCauseAndWindow) {
  const std::vector<Operand> operands = {given({1, 3, 1, 1}, {0, 0, 0}), fixed({1, 3, 1, 1}),
                                         given({1, 3, 1, 1}, {3, 9, 15})};
  expect_values("attention", operands, {}, {9, 9, 9});
  expect_values("attention", operands, {{"causal", int64_t{1}}}, {3, 6, 9});
  expect_values("attention", operands, {{"causal", int64_t{1}}, {"window", int64_t{2}}},
                {3, 6, 12});
  expect_values("attention", operands, {{"window", int64_t{2}}}, {6, 9, 12});
}

TEST(Attention, AgreesWithPagedAttention) {
  const Operand q = fixed({1, 3, 4, 2}), k = fixed({1, 3, 2, 2}), v = fixed({1, 3, 2, 2});
  std::vector<double> cache;  // one page of three tokens
  for (const Operand& side : {k, v}) {
    for (size_t head = 0; head < 2; ++head) {
      for (size_t token = 0; token < 3; ++token) {
        for (size_t i = 0; i < 2; ++i) cache.push_back(side.values[(token * 2 + head) * 2 + i]);
      }
    }
  }
  const auto paged =
      evaluate("paged_attention",
               {given({3, 4, 2}, q.values), given({1, 2, 2, 3, 2}, cache), integers({1, 1}, {0}),
                integers({3}, {0, 0, 0}), integers({3}, {0, 1, 2})},
               {{"page_tokens", int64_t{3}}, {"scale", 0.7}});
  expect_values("attention", {q, k, v}, {{"causal", int64_t{1}}, {"scale", 0.7}}, paged[0]);
}

TEST(Attention, Gradient) {
  for (const Attrs& attrs : {Attrs{{"scale", 0.7}}, Attrs{{"scale", 0.7}, {"causal", int64_t{1}}},
                             Attrs{{"causal", int64_t{1}}, {"window", int64_t{2}}}}) {
    expect_gradient("attention",
                    {trained({2, 3, 4, 2}), trained({2, 3, 2, 2}), trained({2, 3, 2, 2})}, attrs);
  }
}

}  // namespace
}  // namespace verge::support
