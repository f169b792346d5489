#include <verge/stages/serve/collab/greedy_check.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

TEST(GreedyCheck, TheWholeModelsAnswerIsItsOwnAndAnotherTokenIsCounted) {
  ThreadPool pool(1);
  const auto model = model::LanguageModel::load(test::source_file("models/verge-lm.gguf"),
                                                {.context = 256, .max_sequences = 8}, pool);
  ASSERT_TRUE(model) << model.error().message;
  const std::vector<int32_t> prompt = prompt_tokens("In the beginning of the year");
  std::vector<int32_t> answer = whole_text(prompt, 30);
  ASSERT_EQ(answer.size(), 30u);
  EXPECT_EQ(*greedy_matches(**model, prompt, answer), 30);
  answer.resize(20);
  answer[19] = answer[19] == 5 ? 6 : 5;
  EXPECT_EQ(*greedy_matches(**model, prompt, answer), 19);
  answer = {answer[0] == 5 ? 6 : 5};
  EXPECT_EQ(*greedy_matches(**model, prompt, answer), 0);
  EXPECT_EQ(*greedy_matches(**model, prompt, {}), 0);
}

}  // namespace
}  // namespace verge::serve
