#include "speculation_case.hpp"

namespace verge::serve {
namespace {

class DraftOf : public SpeculationCase {
 protected:
  Answer start() {
    auto answer = Answer::start(model_->tokenizer(), options_, prompt_, std::move(constraint_));
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return std::move(*answer);
  }

  // Logits for some position, the same for everyone.
  static std::vector<float> logits(uint64_t position) {
    Rng rng(position, 9);
    std::vector<float> all(512);
    for (float& logit : all) logit = 2 * rng.normal();
    return all;
  }

  std::unique_ptr<text::TokenConstraint> constraint_;
  Rng rng_{1};
};

TEST_F(DraftOf, SharedDrawsAreThoseOfTheAnswer) {
  for (const float temperature : {0.0f, 0.8f, 1.5f}) {
    options_.sampling = {.temperature = temperature, .repetition_penalty = 1.5f, .seed = 4};
    Answer answer = start();
    ASSERT_TRUE(answer.draw(logits(0)).ok());
    Draft draft;
    DraftSampler sampler(answer, DraftDraws::Shared, rng_);
    for (uint64_t i = 1; i < 20; ++i) EXPECT_TRUE(sampler.extend(draft, logits(i)));
    for (uint64_t i = 1; i < 20; ++i) ASSERT_TRUE(answer.draw(logits(i)).ok());
    EXPECT_EQ(draft.tokens, std::vector(answer.tokens().begin() + 1, answer.tokens().end()));
    EXPECT_TRUE(draft.drawn_from.empty());
  }
}

TEST_F(DraftOf, OwnDrawsSayWhatTheyAreDrawnFrom) {
  options_.sampling.temperature = 1;
  const Answer answer = start();
  Draft draft;
  DraftSampler sampler(answer, DraftDraws::Own, rng_);
  for (uint64_t i = 1; i < 20; ++i) sampler.extend(draft, logits(i));
  ASSERT_EQ(draft.drawn_from.size(), draft.tokens.size());
  for (size_t i = 0; i < draft.tokens.size(); ++i) {
    EXPECT_GT(text::probability_of(draft.drawn_from[i], draft.tokens[i]), 0);
  }
}

// Allows one token, `last` once, and then nothing more.
class OneToken : public text::TokenConstraint {
 public:
  explicit OneToken(int32_t token) : token_(token) {}
  void mask(std::span<uint64_t> bits) override {
    std::ranges::fill(bits, 0);
    if (!done_) bits[static_cast<size_t>(token_) / 64] = uint64_t{1} << (token_ % 64);
  }
  void accept(int32_t) override { done_ = true; }
  bool is_complete() const override { return done_; }
  bool is_finished() const override { return done_ && finishes_; }
  std::unique_ptr<TokenConstraint> clone() const override {
    return std::make_unique<OneToken>(*this);
  }
  bool finishes_ = true;

 private:
  int32_t token_;
  bool done_ = false;
};

TEST_F(DraftOf, EndsWhereTheAnswerWould) {
  auto constraint = std::make_unique<OneToken>(70);
  constraint_ = std::make_unique<OneToken>(*constraint);
  const Answer finished = start();
  Draft draft;
  DraftSampler one(finished, DraftDraws::Shared, rng_);
  EXPECT_FALSE(one.extend(draft, logits(1)));
  EXPECT_EQ(draft.tokens, std::vector<int32_t>{70});

  constraint->finishes_ = false;
  constraint_ = std::move(constraint);
  const Answer stuck = start();
  DraftSampler two(stuck, DraftDraws::Shared, rng_);
  draft = {};
  EXPECT_TRUE(two.extend(draft, logits(1)));
  EXPECT_FALSE(two.extend(draft, logits(2)));  // nothing is allowed
  EXPECT_EQ(draft.tokens.size(), 1u);

  options_.ignore_end = false;
  const Answer plain = start();
  int32_t end = 0;
  while (!model_->tokenizer().is_end(end)) ++end;
  std::vector<float> ending = logits(1);
  ending[static_cast<size_t>(end)] = 100;
  DraftSampler three(plain, DraftDraws::Shared, rng_);
  EXPECT_FALSE(three.extend(draft, ending));
  EXPECT_EQ(draft.tokens.back(), end);
}

}  // namespace
}  // namespace verge::serve
