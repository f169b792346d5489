#include <algorithm>
#include <cmath>

#include <verge/stages/serve/generate/generate.hpp>

#include "tiny_models.hpp"

namespace verge::serve {
namespace {

class AnswerOf : public testing::Test {
 protected:
  void SetUp() override {
    model_ = test::load_model(test::write_model(folder_, test::tiny_spec("tiny-llama")), pool_, {});
    ASSERT_NE(model_, nullptr);
    options_.sampling.temperature = 0;
  }

  const text::Tokenizer& tokenizer() const { return model_->tokenizer(); }

  Answer start() {
    auto answer = Answer::start(tokenizer(), options_, prompt_);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return std::move(*answer);
  }

  // Logits whose largest is that of `token`.
  std::vector<float> logits(int32_t token) const {
    std::vector<float> all(static_cast<size_t>(tokenizer().size()), 0.0f);
    all[static_cast<size_t>(token)] = 5;
    return all;
  }

  Piece draw(Answer& answer, int32_t token) const {
    auto piece = answer.draw(logits(token));
    EXPECT_TRUE(piece.ok()) << piece.error().message;
    return piece.ok() ? *piece : Piece{};
  }

  int32_t end_token() const {
    for (int32_t token = 0; token < tokenizer().size(); ++token) {
      if (tokenizer().is_end(token)) return token;
    }
    return -1;
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  std::unique_ptr<model::LanguageModel> model_;
  std::vector<int32_t> prompt_ = {5, 6, 7};
  AnswerOptions options_;
};

TEST_F(AnswerOf, TextOfAllPiecesIsThatOfAllTokens) {
  options_.ignore_end = true;
  Answer answer = start();
  const std::vector<int32_t> drawn =
      tokenizer().encode("a girl na\xC3\xAFve, once", {.add_special = false});
  std::string text;
  for (const int32_t token : drawn) text += draw(answer, token).text;
  text += answer.end(StopReason::Cancelled).text;
  EXPECT_EQ(answer.tokens(), drawn);
  EXPECT_EQ(text, tokenizer().decode(drawn, {.starts_text = false}));
}

TEST_F(AnswerOf, EndsAtTheEndOfTextWithoutAToken) {
  ASSERT_GE(end_token(), 0);
  Answer answer = start();
  EXPECT_TRUE(draw(answer, end_token()).tokens.empty());
  EXPECT_EQ(answer.reason(), StopReason::EndOfText);
  options_.ignore_end = true;
  Answer other = start();
  EXPECT_EQ(draw(other, end_token()).tokens, std::vector{end_token()});
  EXPECT_FALSE(other.reason().has_value());
}

TEST_F(AnswerOf, FirstReasonStays) {
  options_.max_tokens = 2;
  Answer answer = start();
  draw(answer, 20);
  EXPECT_FALSE(answer.reason().has_value());
  draw(answer, 21);
  EXPECT_EQ(answer.reason(), StopReason::MaxTokens);
  EXPECT_TRUE(answer.end(StopReason::Cancelled).text.empty());
  EXPECT_EQ(answer.reason(), StopReason::MaxTokens);
}

TEST_F(AnswerOf, ThePromptCountsForThePenalties) {
  options_.sampling.presence_penalty = 10;
  Answer answer = start();
  EXPECT_NE(draw(answer, prompt_[0]).tokens, std::vector{prompt_[0]});
}

TEST_F(AnswerOf, LogprobsComeWithTheirToken) {
  options_.top_logprobs = 2;
  Answer answer = start();
  const Piece piece = draw(answer, 30);
  ASSERT_EQ(piece.logprobs.size(), 1u);
  const double rest = tokenizer().size() - 1;
  EXPECT_NEAR(piece.logprobs[0].chosen.logprob, 5 - std::log(std::exp(5.0) + rest), 1e-4);
  EXPECT_EQ(piece.logprobs[0].top.size(), 2u);
}

// Allows one token, then the end alone.
class OnlyOnce : public text::TokenConstraint {
 public:
  explicit OnlyOnce(int32_t token) : token_(token) {}
  void mask(std::span<uint64_t> bits) override {
    std::ranges::fill(bits, 0);
    if (!done_) bits[static_cast<size_t>(token_ / 64)] |= uint64_t{1} << (token_ % 64);
  }
  void accept(int32_t token) override { done_ = done_ || token == token_; }
  bool is_complete() const override { return done_; }
  bool is_finished() const override { return done_; }
  std::unique_ptr<TokenConstraint> clone() const override {
    return std::make_unique<OnlyOnce>(*this);
  }

 private:
  int32_t token_;
  bool done_ = false;
};

TEST_F(AnswerOf, AConstraintSaysWhatIsDrawnAndWhenItEnds) {
  auto answer = Answer::start(tokenizer(), options_, prompt_, std::make_unique<OnlyOnce>(33));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(draw(*answer, 20).tokens, std::vector{33});
  EXPECT_EQ(answer->reason(), StopReason::EndOfText);
}

TEST_F(AnswerOf, RefusesLogitsThatAreNoNumbers) {
  Answer answer = start();
  std::vector<float> bad = logits(4);
  bad[9] = NAN;
  const auto piece = answer.draw(bad);
  ASSERT_FALSE(piece.ok());
  EXPECT_EQ(piece.error().code, Code::Malformed);
}

TEST_F(AnswerOf, StopTokensEndItAndMayBeShown) {
  const int32_t last = tokenizer().encode("x", {.add_special = false}).back();
  options_.stop_tokens = {last};
  Answer answer = start();
  EXPECT_EQ(draw(answer, last).text, "");
  EXPECT_EQ(answer.reason(), StopReason::EndOfText);
  EXPECT_TRUE(answer.tokens().empty());
  options_.include_stop = true;
  Answer shown = start();
  EXPECT_EQ(draw(shown, last).text, "x");
  EXPECT_EQ(shown.reason(), StopReason::EndOfText);
}

TEST_F(AnswerOf, StopStringsMayBeShownAndWaitForEnoughTokens) {
  const std::vector<int32_t> drawn = tokenizer().encode("xx", {.add_special = false});
  options_.stop = {"x"};
  options_.include_stop = true;
  Answer answer = start();
  std::string text;
  for (const int32_t token : drawn) {
    if (!answer.reason()) text += draw(answer, token).text;
  }
  EXPECT_EQ(text, std::string(text.find('x'), ' ') + "x");
  EXPECT_EQ(answer.reason(), StopReason::StopString);
  options_.min_tokens = 3;
  Answer longer = start();
  const int32_t x = tokenizer().encode("x", {.add_special = false}).back();
  text.clear();
  for (int i = 0; i < 3 && !longer.reason(); ++i) text += draw(longer, x).text;
  EXPECT_EQ(text, "xxx");
  EXPECT_EQ(longer.reason(), StopReason::StopString);
}

TEST_F(AnswerOf, TheEndWaitsForEnoughTokens) {
  options_.min_tokens = 1;
  Answer answer = start();
  draw(answer, end_token());
  EXPECT_FALSE(answer.reason());
  EXPECT_EQ(answer.tokens().size(), 1u);
  draw(answer, end_token());
  EXPECT_EQ(answer.reason(), StopReason::EndOfText);
}

}  // namespace
}  // namespace verge::serve
