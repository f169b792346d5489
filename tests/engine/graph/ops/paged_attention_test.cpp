#include "op_check.hpp"

namespace verge::support {
namespace {

using graph::Attrs;
using graph::Dim;

TEST(PagedAttention, ShapeRule) {
  const graph::Type q{DType::F32, {Dim(1, 0), 4, 8}}, cache{DType::F16, {9, 2, 2, 16, 8}};
  const graph::Type table{DType::I32, {3, 5}}, tokens{DType::I32, {Dim(1, 0)}};
  EXPECT_EQ(inferred("paged_attention", {q, cache, table, tokens, tokens},
                     {{"page_tokens", int64_t{16}}}),
            "f32 [n, 4, 8]");
  expect_refused("paged_attention", {q, cache, table, tokens, tokens},
                 {{"page_tokens", int64_t{32}}}, "cache has extent 16 along axis 3 instead of 32");
}

// Two sequences over pages of two tokens; sequence 1 owns pages 2 and 0. Keys are zero, so that a
// token's result is the mean of the values it sees: 100 * page + offset.
std::vector<double> mean_values(const Attrs& attrs) {
  std::vector<double> cache;
  for (double page = 0; page < 3; ++page) {
    for (double value : {0.0, 0.0, 100 * page, 100 * page + 1}) cache.push_back(value);
  }
  Attrs all = attrs;
  all.set("page_tokens", int64_t{2});
  return evaluate("paged_attention",
                  {fixed({3, 1, 1}), given({3, 2, 1, 2, 1}, cache), integers({2, 2}, {1, 0, 2, 0}),
                   integers({3}, {0, 1, 1}), integers({3}, {0, 1, 2})},
                  all)[0];
}

TEST(PagedAttention, FollowsThePageTable) {
  expect_near(mean_values({}), {100, 200.5, (200 + 201 + 0) / 3.0});
}

TEST(PagedAttention, WindowHidesOldTokens) {
  expect_near(mean_values({{"window", int64_t{2}}}), {100, 200.5, 100.5});
}

TEST(PagedAttention, WeighsByScaledAndCappedScores) {
  const double score = 0.5 * 2 * 3, capped = 2 * std::tanh(score / 2);
  for (const double cap : {0.0, 2.0}) {
    const double weight = 1 / (1 + std::exp(-(cap > 0 ? capped : score)));
    expect_values("paged_attention",
                  {given({1, 1, 1}, {2}), given({1, 2, 1, 2, 1}, {0, 3, 10, 20}),
                   integers({1, 1}, {0}), integers({1}, {0}), integers({1}, {1})},
                  {{"page_tokens", int64_t{2}}, {"scale", 0.5}, {"softcap", cap}},
                  {10 + 10 * weight});
  }
}

TEST(PagedAttention, HeadsShareKeysInGroups) {
  const auto outputs = evaluate("paged_attention",
                                {fixed({1, 4, 1}), given({1, 2, 2, 1, 1}, {0, 0, 7, 9}),
                                 integers({1, 1}, {0}), integers({1}, {0}), integers({1}, {0})},
                                {{"page_tokens", int64_t{1}}});
  expect_near(outputs[0], {7, 7, 9, 9});
}

}  // namespace
}  // namespace verge::support
