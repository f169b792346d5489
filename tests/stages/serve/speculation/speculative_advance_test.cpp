#include "speculation_case.hpp"

namespace verge::serve {
namespace {

class SpeculativeAdvanceOf : public SpeculationCase {
 protected:
  // Answers with each proposer as without, and returns the answer.
  Generation expect_alike(const SpeculationOptions& options = always()) {
    const Generation plain = run(nullptr);
    const std::vector<int32_t> kept = session_tokens_;
    for (const char* name : kProposers) {
      const Generation found = run(name, options);
      EXPECT_EQ(found.tokens, plain.tokens) << name;
      EXPECT_EQ(found.text, plain.text) << name;
      EXPECT_EQ(found.reason, plain.reason) << name;
      EXPECT_EQ(session_tokens_, kept) << name;
    }
    return plain;
  }
};

TEST_F(SpeculativeAdvanceOf, GreedyAnswersAreTheSame) {
  EXPECT_EQ(expect_alike().tokens.size(), 60u);
  expect_alike({});
}

TEST_F(SpeculativeAdvanceOf, DrawnAnswersAreTheSameForOneSeed) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    options_.sampling = {.temperature = 0.9f, .repetition_penalty = 1.2f, .seed = seed};
    expect_alike();
    options_.sampling.mirostat_tau = 4;
    expect_alike();
  }
}

TEST_F(SpeculativeAdvanceOf, PerfectGuessesAreAllAccepted) {
  for (const float temperature : {0.0f, 1.0f}) {
    options_.sampling.temperature = temperature;
    run("self", always());
    EXPECT_GT(counts_.draft_tokens, 40);
    EXPECT_EQ(counts_.accepted_tokens, counts_.draft_tokens);
    EXPECT_EQ(counts_.acceptance_rate(), 1);
    EXPECT_EQ(counts_.answer_tokens, 59);  // the first is the prompt's
  }
  // Draws of its own from the same distributions, too.
  run("self", always(DraftDraws::Own));
  EXPECT_EQ(counts_.accepted_tokens, counts_.draft_tokens);
}

TEST_F(SpeculativeAdvanceOf, GoesToTheEndOfTheContext) {
  options_.max_tokens = -1;
  const Generation plain = expect_alike();
  EXPECT_EQ(plain.reason, StopReason::ContextFull);
  EXPECT_EQ(plain.tokens.size(), 128u - 10u + 1u);
}

// A stop string within an accepted run: nothing behind it is shown, or stays in the session.
TEST_F(SpeculativeAdvanceOf, StopsWithinAnAcceptedRun) {
  const std::string whole = run(nullptr).text;
  for (size_t at = whole.size() / 4; at < whole.size() / 2; ++at) {
    options_.stop = {whole.substr(at, 5)};
    EXPECT_EQ(expect_alike().reason, StopReason::StopString);
  }
}

TEST_F(SpeculativeAdvanceOf, EndsAtEveryLimit) {
  for (int64_t limit = 1; limit <= 12; ++limit) {
    options_.max_tokens = limit;
    EXPECT_EQ(expect_alike().tokens.size(), static_cast<size_t>(limit));
  }
}

TEST_F(SpeculativeAdvanceOf, GivesLogprobsOfEveryToken) {
  options_.top_logprobs = 2;
  const Generation plain = run(nullptr);
  const Generation found = run("self", always());
  ASSERT_EQ(found.logprobs.size(), plain.logprobs.size());
  for (size_t i = 0; i < plain.logprobs.size(); ++i) {
    EXPECT_EQ(found.logprobs[i].chosen.token, plain.logprobs[i].chosen.token);
    EXPECT_EQ(found.logprobs[i].chosen.logprob, plain.logprobs[i].chosen.logprob);
  }
}

TEST_F(SpeculativeAdvanceOf, CancelledInTheMiddleEndsNormally) {
  const Generation plain = run(nullptr);
  for (const char* name : kProposers) {
    std::atomic<bool> cancel = false;
    int pieces = 0;
    on_text_ = [&](std::string_view) { cancel = ++pieces == 3; };
    const Generation cut = run(name, always(), &cancel);
    on_text_ = {};
    EXPECT_EQ(cut.reason, StopReason::Cancelled) << name;
    ASSERT_LT(cut.tokens.size(), plain.tokens.size()) << name;
    EXPECT_TRUE(std::equal(cut.tokens.begin(), cut.tokens.end(), plain.tokens.begin())) << name;
    EXPECT_EQ(session_tokens_, all_but_newest(cut)) << name;
  }
}

TEST_F(SpeculativeAdvanceOf, ServesOneAnswerAfterAnother) {
  for (const char* name : kProposers) {
    SpeculativeAdvance advance(proposer(name), always(), clock_);
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      prompt_ = test::random_tokens(12, 512, seed);
      const std::vector<int32_t> plain = run(nullptr).tokens;
      EXPECT_EQ(run(&advance).tokens, plain) << name;
    }
  }
}

// Another session leaves two pages: the answer gets as far as it does token by token.
TEST_F(SpeculativeAdvanceOf, GoesOnWithoutDraftsWherePagesLack) {
  runtime::Session other = model_->session();
  ASSERT_TRUE(other.append(test::random_tokens(64, 512)).ok());
  for (const char* name : kProposers) {
    SpeculativeAdvance advance(proposer(name), always(), clock_);
    runtime::Session session = model_->session();
    const auto full = generate(*model_, session, prompt_, options_, clock_, {}, nullptr, &advance);
    ASSERT_FALSE(full.ok()) << name;
    EXPECT_EQ(full.error().code, Code::OutOfMemory) << name;
    EXPECT_EQ(session.length(), 64) << name;
  }
}

}  // namespace
}  // namespace verge::serve
