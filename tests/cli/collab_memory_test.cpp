#include <array>
#include <vector>

#include <gtest/gtest.h>
#include <paths.hpp>

#include <verge/cli/collab_memory.hpp>
#include <verge/core/units.hpp>
#include <verge/engine/model/memory_need.hpp>

namespace verge::cli {
namespace {

constexpr ContextCost kCost{
    .tokens = 256, .page_tokens = 32, .kv_bytes = 8 * 3000, .states_bytes = 8 * 1000};

TEST(CollabMemory, BothHaveRoomForAsManyPositions) {
  for (const int64_t bytes : {32'000, 33'000, 100'000, 4'000'000}) {
    const auto budget = share_budget(bytes, kCost);
    ASSERT_TRUE(budget.ok());
    EXPECT_EQ(budget->kv_bytes + budget->states_bytes, bytes);
    EXPECT_EQ(budget->kv_tokens, bytes / 4000 * 32);
    EXPECT_EQ(budget->kv_bytes, bytes / 4000 * 3000);
  }
}

TEST(CollabMemory, LogitsOfEachTextAreCounted) {
  ContextCost cost = kCost;
  cost.logits_bytes = 5000;
  EXPECT_EQ(share_budget(36'999, cost).error().code, Code::OutOfMemory);
  // Texts of 8 pages, a page 4000, the logits of each text 5000.
  for (const auto& [bytes, pages, logits] :
       std::vector<std::array<int64_t, 3>>{{37'000, 8, 5'000},
                                           {45'999, 8, 5'000},
                                           {46'000, 9, 10'000},
                                           {74'000, 16, 10'000},
                                           {370'000, 80, 50'000}}) {
    const auto budget = share_budget(bytes, cost);
    ASSERT_TRUE(budget.ok());
    EXPECT_EQ(budget->kv_tokens, pages * 32) << bytes;
    EXPECT_EQ(budget->logits_bytes, logits) << bytes;
    EXPECT_EQ(budget->kv_bytes + budget->states_bytes + logits, bytes);
    EXPECT_GE(budget->states_bytes, pages * 1000);
  }
}

TEST(CollabMemory, TheLeastIsOneContextAndTheErrorNamesIt) {
  const auto refused = share_budget(31'999, kCost);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::OutOfMemory);
  const std::string& message = refused.error().message;
  const size_t give = message.find("give ");
  ASSERT_NE(give, std::string::npos) << message;
  const auto least = parse_bytes(message.substr(give + 5, message.find(" or more") - give - 5));
  ASSERT_TRUE(least.ok()) << message;
  EXPECT_TRUE(share_budget(*least, kCost).ok()) << message;
  EXPECT_LT(*least, 32'000 + 1024);
}

TEST(CollabMemory, TheCostIsWhatLoadingPlans) {
  const std::string path = test::source_file("models/verge-lm.gguf");
  model::LoadOptions load{.context = 100, .max_sequences = 4, .layers = {2, 0}};
  const auto cost = context_cost(path, load);
  ASSERT_TRUE(cost.ok()) << cost.error().message;
  EXPECT_EQ(cost->tokens, 128);
  const auto budget = share_budget(5 * cost->total(), *cost);
  ASSERT_TRUE(budget.ok());
  ThreadPool pool(1);
  load.kv_tokens = budget->kv_tokens;
  const auto loaded = model::LanguageModel::load(path, load, pool);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const runtime::Decoder& decoder = (*loaded)->decoder();
  EXPECT_EQ(decoder.pool.pages(), 5 * 128 / 32);
  const auto page = static_cast<int64_t>(runtime::page_bytes(decoder, 0, 0).size());
  EXPECT_EQ(decoder.pool.pages() * decoder.layers * page, budget->kv_bytes);
  EXPECT_EQ(cost->states_bytes, 128 * decoder.d_model * 4);
  EXPECT_EQ(cost->logits_bytes, decoder.vocab * 4);
}

}  // namespace
}  // namespace verge::cli
