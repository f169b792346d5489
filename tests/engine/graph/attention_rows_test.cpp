#include <gtest/gtest.h>

#include <verge/engine/graph/attention_rows.hpp>

namespace verge::graph {
namespace {

double pairs(const Attrs& attrs) {
  const TensorView in[] = {{nullptr, DType::F32, Shape{2, 4, 6, 8}},
                           {nullptr, DType::F32, Shape{2, 4, 3, 8}}};
  return visible_pairs({in, {}, attrs});
}

// Two sequences of four tokens in six heads.
TEST(AttentionRows, CountsThePairsThatAreNotMasked) {
  EXPECT_EQ(pairs({}), 12 * 16);
  EXPECT_EQ(pairs({{"causal", int64_t{1}}}), 12 * (1 + 2 + 3 + 4));
  EXPECT_EQ(pairs({{"causal", int64_t{1}}, {"window", int64_t{2}}}), 12 * (1 + 2 + 2 + 2));
}

TEST(AttentionRows, HeadsOfAGroupShareTheirKeys) {
  const TensorView in[] = {{nullptr, DType::F32, Shape{1, 1, 4, 8}},
                           {nullptr, DType::F32, Shape{1, 1, 2, 8}}};
  std::vector<size_t> rows;
  const Attrs attrs;
  AttentionRows({in, {}, attrs}).for_each_query([&](const AttentionQuery& query) {
    rows.push_back(query.kv_row(0));
  });
  EXPECT_EQ(rows, (std::vector<size_t>{0, 0, 1, 1}));
}

}  // namespace
}  // namespace verge::graph
