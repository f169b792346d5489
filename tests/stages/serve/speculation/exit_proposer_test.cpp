#include <cstring>

#include <verge/engine/runtime/step.hpp>

#include "speculation_case.hpp"

namespace verge::serve {
namespace {

class ExitProposerOf : public SpeculationCase {};

// The oracle is the file cut after its first layer, whose norm is the exit's.
TEST_F(ExitProposerOf, GuessesWhatTheFirstLayersAnswer) {
  const std::string path = test::rewrite_model(path_, "-cut.gguf", [](format::Metadata& metadata) {
    metadata.set<uint32_t>("llama.block_count", 1);
  });
  const auto cut = test::load_model(path, pool_, {});
  ASSERT_NE(cut, nullptr);
  options_.max_tokens = 6;
  runtime::Session alone = cut->session();
  const auto expected = generate(*cut, alone, prompt_, options_, clock_);
  ASSERT_TRUE(expected.ok());

  runtime::Sequence sequence(model_->decoder());
  const std::vector<int32_t> text(prompt_.begin(), prompt_.end() - 1);
  const runtime::StepItem item{&sequence, text, 0};
  ASSERT_TRUE(runtime::run_step(model_->decoder(), std::span(&item, 1)).ok());
  const Answer answer = std::move(*Answer::start(model_->tokenizer(), options_, prompt_));
  Rng rng(1);
  DraftSampler sampler(answer, DraftDraws::Shared, rng);
  const auto guesses = proposer("exits");
  const auto draft = guesses->propose(sequence, prompt_.back(), 6, sampler, nullptr);
  ASSERT_TRUE(draft.ok()) << draft.error().message;
  EXPECT_EQ(draft->tokens, expected->tokens);
  EXPECT_EQ(sequence.tokens(), text);
  EXPECT_EQ(sequence.pages().size(), 1u);
}

TEST_F(ExitProposerOf, NamesTheHeadsThatThereAre) {
  const auto missing = ExitProposer::create(*model_, 2);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Code::Unsupported);
  EXPECT_NE(missing.error().message.find("some after 1"), std::string::npos)
      << missing.error().message;
  const auto none = ExitProposer::create(*other_);
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.error().message.find("--exits"), std::string::npos) << none.error().message;
}

TEST_F(ExitProposerOf, CancelsAndLeavesTheSequence) {
  runtime::Sequence sequence(model_->decoder());
  const std::atomic<bool> cancel = true;
  const Answer answer = std::move(*Answer::start(model_->tokenizer(), options_, prompt_));
  Rng rng(1);
  DraftSampler sampler(answer, DraftDraws::Shared, rng);
  const auto draft = proposer("exits")->propose(sequence, 5, 4, sampler, &cancel);
  ASSERT_FALSE(draft.ok());
  EXPECT_EQ(draft.error().code, Code::Cancelled);
  EXPECT_EQ(sequence.length(), 0);
}

}  // namespace
}  // namespace verge::serve
