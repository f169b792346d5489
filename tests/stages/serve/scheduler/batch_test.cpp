// One model's batch, and what goes wrong in it.

#include <cmath>
#include <limits>

#include "one_batch.hpp"

namespace verge::serve {
namespace {

TEST_F(OneBatch, CountsWhatItRuns) {
  add(40, 5);
  add(20, 3, 100);
  finish();
  const ModelSnapshot counted = described();
  EXPECT_EQ(counted.prefill_tokens, 60);
  EXPECT_EQ(counted.decode_tokens, 4 + 2);  // the first token comes of the prompt
  EXPECT_EQ(counted.steps, 5);
  EXPECT_EQ(counted.batch_sizes, (std::vector<int32_t>{2, 2, 2, 1, 1}));
  EXPECT_EQ(accounts_.fair.served(""), 60 + 2 * 6);
  EXPECT_EQ(accounts_.tenants[""].prefill_tokens, 60);
  EXPECT_EQ(accounts_.tenants[""].decode_tokens, 6);
  EXPECT_EQ(counted.pages_cached, 1);  // of 32 tokens
}

// Whatever is guessed, tokens are counted and paid for that are of the answer.
TEST_F(OneBatch, WhatIsGuessedChangesStepsAlone) {
  const std::vector<int32_t> answer = [&] {
    const auto alone = add(40, 20);
    finish();
    return alone->tokens;
  }();
  const test::Guesses right = known(answer);
  test::Guesses wrong = right;
  for (auto& [token, next] : wrong) next = 3 + (next + 1) % 400;
  for (const auto& [guesses, is_right] : {std::pair(right, true), std::pair(wrong, false)}) {
    guess(guesses);
    const auto told = add(40, 20);
    finish();
    EXPECT_EQ(told->tokens, answer);
    const ModelSnapshot counted = described();
    EXPECT_EQ(counted.prefill_tokens, 40);
    EXPECT_EQ(counted.decode_tokens, 19);
    EXPECT_EQ(accounts_.fair.served(""), 40 + 2 * 19);
    EXPECT_EQ(accounts_.tenants[""].decode_tokens, 19);
    EXPECT_GT(counted.draft_tokens, 10);
    EXPECT_EQ(counted.draft_tokens, told->end.usage.draft_tokens);
    EXPECT_EQ(counted.accepted_tokens, told->end.usage.accepted_tokens);
    EXPECT_LE(counted.steps, 20);
    if (is_right) {
      EXPECT_LT(counted.steps, 20);
    }
    if (!is_right) {
      EXPECT_EQ(counted.accepted_tokens, 0);
    }
  }
}

// Only prompts' pages are kept for others: not those of an answer, guessed or not.
TEST_F(OneBatch, GuessedTokensAreNotPublished) {
  const auto first = add(40, 60);
  finish();
  const test::Guesses right = known(first->tokens);
  guess(right);
  add(40, 60);
  finish();
  EXPECT_EQ(described().pages_cached, 1);
  EXPECT_EQ(described().pages_free + described().pages_cached, described().pages_total);
}

// A token that no model knows, as only a bug could guess it.
TEST_F(OneBatch, ARunThatFailsForAGuessGoesOnWithoutIt) {
  test::Guesses impossible;
  for (int32_t token = 1; token < 512; ++token) impossible[token] = 1 << 20;
  const auto alone = add(20, 6);
  finish();
  guess(impossible);
  const auto a = add(20, 6), b = add(20, 6);
  finish();
  EXPECT_EQ(a->tokens, alone->tokens);
  EXPECT_EQ(b->tokens, alone->tokens);
  EXPECT_TRUE(a->end.status.ok());
}

TEST_F(OneBatch, ALaterPromptAdoptsWhatAnEarlierOneLeft) {
  const auto first = add(100, 4);
  finish();
  const auto second = add(100, 4);
  finish();
  EXPECT_EQ(second->tokens, first->tokens);
  EXPECT_EQ(second->started->cached_tokens, 96 - (100 - 96 < model_->decoder().min_chunk ? 32 : 0));
  EXPECT_EQ(described().prefix_hits, 1);
}

TEST_F(OneBatch, APrefixIsForgottenWhenPagesAreNeeded) {
  add(100, 1);
  finish();
  EXPECT_EQ(described().pages_cached, 3);
  const auto a = add(120, 8, 200), b = add(120, 8, 300);
  finish();
  EXPECT_TRUE(a->end.status.ok() && b->end.status.ok());
  const ModelSnapshot end = described();
  EXPECT_EQ(end.pages_free + end.pages_cached, end.pages_total);
}

TEST_F(OneBatch, NoTokensAskedForIsAPromptRun) {
  const auto receiver = add(40, 0);
  finish();
  EXPECT_TRUE(receiver->tokens.empty());
  EXPECT_EQ(receiver->end.reason, StopReason::MaxTokens);
  EXPECT_EQ(described().prefill_tokens, 40);
}

struct FullBuffer : AnswerSink {
  void on_piece(const Piece&) override {
    if (++pieces == 3) throw std::runtime_error("the client's buffer is gone");
  }
  void on_end(const End& told) override { end = told; }
  int pieces = 0;
  End end;
};

TEST_F(OneBatch, ASinkThatThrowsEndsItsOwnRequest) {
  const auto full = std::make_shared<FullBuffer>();
  const auto good = add(20, 10);
  add(20, 10, 50, full);
  finish();
  EXPECT_EQ(good->tokens.size(), 10u);
  EXPECT_TRUE(good->end.status.ok());
  EXPECT_EQ(full->pieces, 3);
  EXPECT_EQ(full->end.status.error().code, Code::Internal);
  EXPECT_NE(full->end.status.error().message.find("buffer is gone"), std::string::npos);
}

// A constraint with a bug in it.
class Broken : public text::TokenConstraint {
 public:
  void mask(std::span<uint64_t> bits) override { std::ranges::fill(bits, ~uint64_t{0}); }
  void accept(int32_t) override { VERGE_CHECK(false); }
  bool is_complete() const override { return false; }
  std::unique_ptr<TokenConstraint> clone() const override { return std::make_unique<Broken>(); }
};

TEST_F(OneBatch, ABugInOneRequestEndsThatRequest) {
  const auto good = add(20, 10);
  Request request{.model = "m", .prompt = {5, 6}};
  request.constraint = std::make_shared<Broken>();
  const auto bad = std::make_shared<test::Receiver>();
  submit(request, bad);
  finish();
  ASSERT_FALSE(bad->end.status.ok());
  EXPECT_EQ(bad->end.status.error().code, Code::Internal);
  EXPECT_EQ(good->tokens.size(), 10u);
}

// A token that the model has no row for, as only a bug could bring it here: the run of all fails,
// and the one that is to blame is found.
TEST_F(OneBatch, ARunThatFailsForOneGoesOnForTheOthers) {
  const auto a = add(20, 6), bad = add(20, 6, 60), c = add(20, 6, 120);
  tasks_[1]->feed[3] = -1;
  finish();
  EXPECT_EQ(bad->end.status.error().code, Code::InvalidArgument);
  EXPECT_EQ(a->tokens.size(), 6u);
  EXPECT_EQ(c->tokens.size(), 6u);
}

TEST_F(OneBatch, ARunThatNobodyWaitsForStops) {
  add(60, 4);
  cancellations_.request(last_id_);
  step();
  EXPECT_EQ(tasks_[0]->length(), 0);
  const auto other = add(20, 2, 200);
  step();  // somebody waits for this one
  EXPECT_GT(tasks_[0]->length(), 0);
  cancellations_.take();
  finish();
  EXPECT_EQ(other->tokens.size(), 2u);
}

TEST_F(OneBatch, RefusesADecoderWithoutRoomForChunks) {
  EXPECT_TRUE(Batch::check(model_->decoder(), *face_).ok());
  model_->decoder().max_tokens = 2 * model_->decoder().min_chunk;
  EXPECT_EQ(Batch::check(model_->decoder(), *face_).error().code, Code::Unsupported);
  model_->decoder().context = 100;
  EXPECT_EQ(Batch::check(model_->decoder(), *face_).error().code, Code::Conflict);
}

}  // namespace
}  // namespace verge::serve
