#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

TEST(SplitIdentity, BothHalvesOfAFileAreOfOneSplit) {
  SharedModels& models = SharedModels::get();
  const auto edge = split_identity(*models.edge), whole = split_identity(*models.whole);
  ASSERT_TRUE(edge.ok() && whole.ok());
  EXPECT_EQ(*edge, *whole);
  EXPECT_EQ(edge->exit1, kExit1);
  EXPECT_EQ(edge->exit2, kExit2);
  EXPECT_EQ(edge->layers, 6);
  EXPECT_EQ(edge->width, models.whole->decoder().d_model);
  EXPECT_FALSE(edge->model_hash.empty());
  EXPECT_NE(edge->model_hash, edge->tokenizer_hash);
}

TEST(SplitIdentity, ExitsThatAreNotThereAreRefused) {
  const auto strange = split_identity(*SharedModels::get().whole, 3);
  ASSERT_FALSE(strange.ok());
  EXPECT_EQ(strange.error().code, Code::Unsupported);
  EXPECT_TRUE(strange.error().message.ends_with("no exit after 3 layers; it has them after 2, 4"));
  const auto reversed = split_identity(*SharedModels::get().whole, 4, 2);
  ASSERT_FALSE(reversed.ok());
  EXPECT_EQ(reversed.error().code, Code::InvalidArgument);
}

}  // namespace
}  // namespace verge::serve
