#include <verge/engine/model/layer_chain.hpp>

#include "exit_models.hpp"

namespace verge::model {
namespace {

// The chain's last logits are the whole model's; each cut's are those of its exit alone.
TEST(LayerChain, IsTheModelCutIntoParts) {
  const test::TemporaryFolder folder;
  const std::string path = test::write_exit_model(folder, "tiny-llama");
  ThreadPool pool(1);
  const auto model = test::load_model(path, pool, test::all_logits_options());
  const auto tokens = test::random_tokens(24, static_cast<int>(model->config().vocab));
  const std::vector<float> whole = test::logits_of(*model, tokens, {24});
  const int64_t cuts[] = {2, 3, 4};
  auto chain = LayerChain::create(*model, cuts);
  ASSERT_TRUE(chain.ok()) << chain.error().message;
  for (int turn = 0; turn < 2; ++turn) {
    chain->begin();
    const auto rows = chain->run(tokens, 24);
    ASSERT_TRUE(rows.ok()) << rows.error().message;
    ASSERT_EQ(rows->states.size(), 3u);
    ASSERT_EQ(rows->logits.size(), 4u);
    EXPECT_TRUE(rows->logits[1].empty()) << "there is no head after three layers";
    EXPECT_LT(test::relative_error(rows->logits[3], whole), 1e-4);
    const auto exit = model->prepare_exit(4);
    ASSERT_TRUE(exit.ok());
    EXPECT_EQ(rows->logits[2].size(), whole.size());
    EXPECT_GT(test::relative_error(rows->logits[2], whole), 1e-3);
  }
  const auto below = LayerChain::create(*model, std::span(cuts).first(1), false)->run(tokens, 1);
  ASSERT_TRUE(below.ok());
  EXPECT_EQ(below->logits.size(), 1u);
  EXPECT_EQ(below->states.size(), 1u);
}

// A head with a matrix of its own ends in that one, the others and the last in the model's.
TEST(LayerChain, HeadsMayHaveTheirOwnMatrix) {
  const test::TemporaryFolder folder;
  build::RandomModelSpec spec = test::wide_spec("tiny-llama");
  spec.layers = 6;
  spec.tied_head = true;
  const std::string tied = test::with_exit_heads(test::write_model(folder, spec), {2, 4});
  const std::string own = test::with_own_outputs(tied, {2}, 2);
  ThreadPool pool(1);
  const int64_t cuts[] = {2, 4};
  std::vector<std::vector<float>> logits[2];
  for (const bool is_own : {false, true}) {
    const auto model = test::load_model(is_own ? own : tied, pool, test::all_logits_options());
    const auto tokens = test::random_tokens(12, static_cast<int>(model->config().vocab));
    auto chain = LayerChain::create(*model, cuts);
    ASSERT_TRUE(chain.ok()) << chain.error().message;
    const auto rows = chain->run(tokens, 12);
    ASSERT_TRUE(rows.ok()) << rows.error().message;
    logits[is_own ? 1 : 0] = rows->logits;
  }
  for (float& logit : logits[0][0]) logit *= 2;
  EXPECT_LT(test::relative_error(logits[1][0], logits[0][0]), 1e-5);
  EXPECT_EQ(logits[1][1], logits[0][1]);
  EXPECT_EQ(logits[1][2], logits[0][2]);
}

}  // namespace
}  // namespace verge::model
