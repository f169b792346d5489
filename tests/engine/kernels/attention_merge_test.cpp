#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/attention.hpp>

#include "random_data.hpp"

namespace verge::kernels {
namespace {

constexpr int64_t kDim = 19;

struct Part {
  std::vector<float> acc = std::vector<float>(kDim);
  float max = -std::numeric_limits<float>::infinity();
  float sum = 0;
};

/// The part over keys [first, last) of given scores and values, by its definition.
Part part_of(const std::vector<float>& scores, const std::vector<float>& values, int64_t first,
             int64_t last) {
  Part part;
  for (int64_t t = first; t < last; ++t) part.max = std::max(part.max, scores[t]);
  for (int64_t t = first; t < last; ++t) {
    const float weight = std::exp(scores[t] - part.max);
    part.sum += weight;
    for (int64_t i = 0; i < kDim; ++i) part.acc[i] += weight * values[t * kDim + i];
  }
  return part;
}

TEST(AttentionMerge, PartsInAnyOrderGiveTheWhole) {
  const int64_t tokens = 40;
  const auto scores = random_floats(tokens, 1, 20);
  const auto values = random_floats(tokens * kDim, 2);
  Part whole = part_of(scores, values, 0, tokens);
  const std::pair<int64_t, int64_t> orders[][3] = {
      {{0, 7}, {7, 7}, {7, 40}}, {{30, 40}, {0, 30}, {5, 5}}, {{3, 3}, {20, 40}, {0, 20}}};
  for (Isa isa : machine_isas()) {
    std::vector<float> want(kDim);
    finish_attention(isa, kDim, {whole.max, whole.sum, whole.acc.data()}, want.data());
    for (const auto& order : orders) {
      Part sum = part_of(scores, values, order[0].first, order[0].second);
      AttentionPart into{sum.max, sum.sum, sum.acc.data()};
      for (int i : {1, 2}) {
        Part next = part_of(scores, values, order[i].first, order[i].second);
        merge_attention(isa, kDim, into, {next.max, next.sum, next.acc.data()});
      }
      std::vector<float> got(kDim);
      finish_attention(isa, kDim, into, got.data());
      for (int64_t i = 0; i < kDim; ++i) EXPECT_NEAR(got[i], want[i], 1e-6) << name(isa);
    }
  }
}

TEST(AttentionMerge, NothingIsZero) {
  std::vector<float> acc(kDim);
  std::vector<float> out(kDim, NAN);
  finish_attention(best_isa(), kDim, {-std::numeric_limits<float>::infinity(), 0, acc.data()},
                   out.data());
  EXPECT_EQ(out, std::vector<float>(kDim, 0.0f));
}

}  // namespace
}  // namespace verge::kernels
