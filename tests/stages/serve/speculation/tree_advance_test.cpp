#include "speculation_case.hpp"

namespace verge::serve {
namespace {

class TreeAdvanceOf : public SpeculationCase {
 protected:
  TreeAdvanceOf() { kv_tokens_ = 320; }

  // Answers with each proposer's trees as without, and returns the answer.
  Generation expect_alike(const SpeculationOptions& options = always()) {
    const int32_t free = model_->decoder().pool.free_pages();
    const Generation plain = run(nullptr);
    const std::vector<int32_t> kept = session_tokens_;
    for (const char* name : kProposers) {
      const Generation found = run_tree(name, options);
      EXPECT_EQ(found.tokens, plain.tokens) << name;
      EXPECT_EQ(found.text, plain.text) << name;
      EXPECT_EQ(found.reason, plain.reason) << name;
      EXPECT_EQ(session_tokens_, kept) << name;
      EXPECT_EQ(model_->decoder().pool.free_pages(), free) << name;
    }
    return plain;
  }
};

TEST_F(TreeAdvanceOf, GreedyAnswersAreTheSame) {
  for (uint64_t seed = 0; seed < 3; ++seed) {
    prompt_ = test::random_tokens(10 + static_cast<int>(seed) * 7, 512, seed);
    EXPECT_EQ(expect_alike().tokens.size(), 60u);
  }
  expect_alike({});
}

TEST_F(TreeAdvanceOf, DrawnAnswersAreTheSameForOneSeed) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    options_.sampling = {.temperature = 0.9f, .repetition_penalty = 1.2f, .seed = seed};
    expect_alike();
  }
}

TEST_F(TreeAdvanceOf, LogprobsAreThoseOfEveryToken) {
  options_.top_logprobs = 1;
  const Generation plain = run(nullptr);
  for (const char* name : kProposers) {
    const Generation found = run_tree(name, always());
    ASSERT_EQ(found.logprobs.size(), 60u);
    for (size_t i = 0; i < plain.logprobs.size(); ++i) {
      EXPECT_EQ(found.logprobs[i].chosen.token, plain.tokens[i]) << name;
      EXPECT_EQ(found.logprobs[i].chosen.logprob, plain.logprobs[i].chosen.logprob) << name;
    }
  }
}

TEST_F(TreeAdvanceOf, PerfectGuessesTakeTheFewestRuns) {
  run_tree("self", always());
  EXPECT_EQ(counts_.answer_tokens, 59);  // the first is the prompt's
  EXPECT_GT(counts_.accepted_tokens, 35);
  EXPECT_GT(counts_.draft_tokens, counts_.accepted_tokens);
}

// A second choice is worth something: of two likely tokens either may be drawn.
TEST_F(TreeAdvanceOf, ATreeKeepsMoreThanItsPathAlone) {
  int64_t chain = 0, tree = 0;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    prompt_ = test::random_tokens(12, 512, seed);
    options_.sampling = {.temperature = 0.8f, .seed = seed};
    const auto kept = [&](const TreeShape& shape) {
      TreeAdvance advance(proposer("exits"), shape, always(), clock_);
      run(&advance);
      return advance.counts().accepted_tokens;
    };
    chain += kept({.nodes = 1, .depth = 1, .width = 1});
    tree += kept({.nodes = 4, .depth = 1, .width = 1});
  }
  EXPECT_GT(tree, chain);
}

TEST_F(TreeAdvanceOf, GoesToTheEndOfTheContext) {
  options_.max_tokens = -1;
  const Generation plain = expect_alike();
  EXPECT_EQ(plain.reason, StopReason::ContextFull);
  EXPECT_EQ(plain.tokens.size(), 128u - 10u + 1u);
}

TEST_F(TreeAdvanceOf, StopsWithinAnAcceptedPath) {
  const std::string whole = run(nullptr).text;
  for (size_t at = whole.size() / 4; at < whole.size() / 2; at += 3) {
    options_.stop = {whole.substr(at, 5)};
    EXPECT_EQ(expect_alike().reason, StopReason::StopString);
  }
}

TEST_F(TreeAdvanceOf, EndsAtEveryLimit) {
  for (int64_t limit = 1; limit <= 12; ++limit) {
    options_.max_tokens = limit;
    EXPECT_EQ(expect_alike().tokens.size(), static_cast<size_t>(limit));
  }
}

TEST_F(TreeAdvanceOf, CancelledInTheMiddleEndsNormally) {
  const Generation plain = run(nullptr);
  for (const char* name : kProposers) {
    std::atomic<bool> cancel = false;
    int pieces = 0;
    on_text_ = [&](std::string_view) { cancel = ++pieces == 3; };
    const Generation cut = run_tree(name, always(), &cancel);
    on_text_ = {};
    EXPECT_EQ(cut.reason, StopReason::Cancelled) << name;
    EXPECT_TRUE(std::equal(cut.tokens.begin(), cut.tokens.end(), plain.tokens.begin())) << name;
    EXPECT_EQ(session_tokens_, all_but_newest(cut)) << name;
  }
}

// Others leave two pages: the answer gets as far as it does token by token.
TEST_F(TreeAdvanceOf, GoesOnWithoutTreesWherePagesLack) {
  runtime::Sequence others[] = {runtime::Sequence(model_->decoder()),
                                runtime::Sequence(model_->decoder())};
  for (auto& other : others) ASSERT_TRUE(other.reserve(128).ok());
  ASSERT_EQ(model_->decoder().pool.free_pages(), 2);
  for (const char* name : kProposers) {
    TreeAdvance advance(proposer(name), {.nodes = 7, .depth = 5, .width = 2}, always(), clock_);
    runtime::Session session = model_->session();
    const auto full = generate(*model_, session, prompt_, options_, clock_, {}, nullptr, &advance);
    ASSERT_FALSE(full.ok()) << name;
    EXPECT_EQ(full.error().code, Code::OutOfMemory) << name;
    EXPECT_EQ(session.length(), 64) << name;
  }
}

TEST_F(TreeAdvanceOf, ServesOneAnswerAfterAnother) {
  for (const char* name : kProposers) {
    TreeAdvance advance(proposer(name), {.nodes = 7, .depth = 5, .width = 2}, always(), clock_);
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      prompt_ = test::random_tokens(12, 512, seed);
      const std::vector<int32_t> plain = run(nullptr).tokens;
      EXPECT_EQ(run(&advance).tokens, plain) << name;
    }
  }
}

}  // namespace
}  // namespace verge::serve
