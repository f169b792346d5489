#include <cmath>

#include <gtest/gtest.h>

#include <verge/engine/runtime/sequence.hpp>
#include <verge/engine/runtime/step.hpp>
#include <verge/engine/text/logprobs.hpp>
#include <verge/stages/serve/scheduler/prompt_scores.hpp>

#include "tiny_models.hpp"

namespace verge::serve {
namespace {

TEST(ScorePrompt, EachTokenHasTheProbabilityThatTheModelGivesIt) {
  test::TemporaryFolder folder;
  ThreadPool pool(1);
  model::LoadOptions load;
  load.max_outputs = 3;  // so that a prompt takes several runs
  const auto model =
      test::load_model(test::write_model(folder, test::tiny_spec("tiny-llama")), pool, load);
  ASSERT_NE(model, nullptr);
  const std::vector<int32_t> tokens = {5, 6, 7, 8, 9, 5, 6, 11};
  const auto scores = score_prompt(model->decoder(), tokens, 2, -1);
  ASSERT_TRUE(scores.ok()) << scores.error().message;
  ASSERT_EQ(scores->size(), tokens.size() - 1);
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    runtime::Sequence alone(model->decoder());
    const runtime::StepItem item{&alone, std::span(tokens).first(i + 1), 1};
    ASSERT_TRUE(runtime::run_step(model->decoder(), {&item, 1}).ok());
    const auto logits = runtime::step_logits(model->decoder(), 0);
    EXPECT_EQ((*scores)[i].chosen.token, tokens[i + 1]);
    EXPECT_NEAR((*scores)[i].chosen.logprob, text::token_logprob(logits, tokens[i + 1]), 1e-3);
    const auto top = text::top_logprobs(logits, 2);
    ASSERT_EQ((*scores)[i].top.size(), 2u);
    for (size_t k = 0; k < 2; ++k) EXPECT_EQ((*scores)[i].top[k].token, top[k].token);
  }
  EXPECT_TRUE(score_prompt(model->decoder(), std::span(tokens).first(1), 0, -1)->empty());
}

}  // namespace
}  // namespace verge::serve
