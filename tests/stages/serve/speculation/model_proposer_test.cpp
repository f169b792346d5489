#include <verge/engine/runtime/step.hpp>

#include "speculation_case.hpp"

namespace verge::serve {
namespace {

class ModelProposerOf : public SpeculationCase {
 protected:
  Answer start() { return std::move(*Answer::start(model_->tokenizer(), options_, prompt_)); }

  std::vector<int32_t> propose(Proposer& proposer, runtime::Sequence& sequence, int32_t newest,
                               int64_t most) {
    const Answer answer = start();
    Rng rng(1);
    DraftSampler sampler(answer, DraftDraws::Shared, rng);
    auto draft = proposer.propose(sequence, newest, most, sampler, nullptr);
    EXPECT_TRUE(draft.ok()) << draft.error().message;
    return draft.ok() ? draft->tokens : std::vector<int32_t>{};
  }
};

TEST_F(ModelProposerOf, RefusesAnotherVocabularyByItsFirstToken) {
  const std::string path =
      test::rewrite_model(other_->source().path, "-renamed.gguf", [](format::Metadata& metadata) {
        const auto tokens = metadata.get_strings("tokenizer.ggml.tokens");
        std::vector<std::string> names(tokens->begin(), tokens->end());
        names[300] = "\xE2\x96\x81unheard";
        metadata.set_strings("tokenizer.ggml.tokens",
                             std::vector<std::string_view>(names.begin(), names.end()));
      });
  const auto renamed = test::load_model(path, pool_, {});
  const auto check = [&](const model::LanguageModel& draft) {
    return check_same_vocabulary({model_->source().path, model_->tokenizer()},
                                 {draft.source().path, draft.tokenizer()});
  };
  const Status refused = check(*renamed);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::Conflict);
  for (const std::string& part :
       {std::string("token 300"), std::string("unheard"), path, model_->source().path}) {
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << refused.error().message;
  }
  auto smaller = test::tiny_spec("tiny-llama");
  smaller.vocab = 500;
  const auto few = test::load_model(test::write_model(folder_, smaller), pool_, {});
  const Status short_of = check(*few);
  ASSERT_FALSE(short_of.ok());
  EXPECT_EQ(short_of.error().code, Code::Conflict);
}

// The draft model alone, greedy, is what it guesses; wherever it has been before.
TEST_F(ModelProposerOf, GuessesWhatItsModelAnswers) {
  const auto guesses = proposer("other");
  runtime::Session alone = other_->session();
  options_.max_tokens = 6;
  for (int round = 0; round < 3; ++round) {
    runtime::Sequence sequence(model_->decoder());
    std::vector<int32_t> text = test::random_tokens(20 + 5 * round, 512, 7 + round % 2);
    const int32_t newest = text.back();
    alone.truncate(0);
    const auto expected = generate(*other_, alone, text, options_, clock_);
    text.pop_back();
    const runtime::StepItem item{&sequence, text, 0};
    ASSERT_TRUE(runtime::run_step(model_->decoder(), std::span(&item, 1)).ok());
    if (round == 1) {
      ASSERT_TRUE(guesses->prepare(sequence, nullptr).ok());
    }
    EXPECT_EQ(propose(*guesses, sequence, newest, 6), expected->tokens) << round;
    EXPECT_EQ(propose(*guesses, sequence, newest, 2),
              std::vector(expected->tokens.begin(), expected->tokens.begin() + 2));
    EXPECT_EQ(sequence.tokens(), text);
  }
}

TEST_F(ModelProposerOf, HasNoGuessWithoutRoom) {
  model::LoadOptions load;
  load.context = 12;
  const auto narrow = test::load_model(other_->source().path, pool_, load);
  const auto guesses = std::make_unique<ModelProposer>(narrow->decoder());
  runtime::Sequence sequence(model_->decoder());
  const std::vector<int32_t> text = test::random_tokens(30, 512);
  const runtime::StepItem item{&sequence, text, 0};
  ASSERT_TRUE(runtime::run_step(model_->decoder(), std::span(&item, 1)).ok());
  EXPECT_TRUE(guesses->prepare(sequence, nullptr).ok());
  EXPECT_TRUE(propose(*guesses, sequence, 5, 4).empty());
  sequence.truncate(10);
  EXPECT_EQ(propose(*guesses, sequence, 5, 4).size(), 2u);  // after tokens 11 and 12
}

TEST_F(ModelProposerOf, Cancels) {
  const auto guesses = proposer("other");
  runtime::Sequence sequence(model_->decoder());
  const std::atomic<bool> cancel = true;
  const Answer answer = start();
  Rng rng(1);
  DraftSampler sampler(answer, DraftDraws::Shared, rng);
  const auto draft = guesses->propose(sequence, 5, 4, sampler, &cancel);
  ASSERT_FALSE(draft.ok());
  EXPECT_EQ(draft.error().code, Code::Cancelled);
}

}  // namespace
}  // namespace verge::serve
