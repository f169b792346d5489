#include <verge/stages/serve/speculation/verify.hpp>

#include "speculation_case.hpp"

namespace verge::serve {
namespace {

class Verify : public SpeculationCase {
 protected:
  // Logits that say one token.
  std::vector<float> saying(int32_t token) const {
    std::vector<float> logits(static_cast<size_t>(model_->config().vocab));
    logits[static_cast<size_t>(token)] = 10;
    return logits;
  }

  // Draws with this draft where the model says these tokens.
  Drawn drawn(Answer& answer, const std::vector<int32_t>& draft, const std::vector<int32_t>& says) {
    std::vector<std::vector<float>> logits;
    for (const int32_t token : says) logits.push_back(saying(token));
    const std::vector<std::span<const float>> rows(logits.begin(), logits.end());
    auto result = verify(answer, Draft{draft, {}}, rows);
    EXPECT_TRUE(result.ok());
    return std::move(*result);
  }

  Answer start() { return std::move(*Answer::start(model_->tokenizer(), options_, prompt_)); }
};

struct VerifyCase {
  const char* what;
  std::vector<int32_t> draft, says;
  std::vector<int32_t> tokens;
  int64_t kept, run;
};

TEST_F(Verify, KeepsWhatIsDrawnAndNoMore) {
  const VerifyCase cases[] = {
      {"no draft", {}, {10}, {10}, 0, 1},
      {"wrong at once", {20}, {10, 11}, {10}, 0, 1},
      {"right", {10}, {10, 11}, {10, 11}, 1, 2},
      {"right, then wrong", {10, 20, 12}, {10, 11, 12, 13}, {10, 11}, 1, 2},
      {"all right", {10, 11, 12}, {10, 11, 12, 13}, {10, 11, 12, 13}, 3, 4},
  };
  for (const VerifyCase& c : cases) {
    Answer answer = start();
    const Drawn found = drawn(answer, c.draft, c.says);
    EXPECT_EQ(found.piece.tokens, c.tokens) << c.what;
    EXPECT_EQ(answer.tokens(), c.tokens) << c.what;
    EXPECT_EQ(found.kept, c.kept) << c.what;
    EXPECT_EQ(found.run, c.run) << c.what;
  }
}

// The last token drawn is kept, and not of the sequence, as without drafts.
TEST_F(Verify, EndsWithTheAnswer) {
  options_.max_tokens = 2;
  Answer answer = start();
  const Drawn found = drawn(answer, {10, 11, 12}, {10, 11, 12, 13});
  EXPECT_EQ(found.piece.tokens, (std::vector<int32_t>{10, 11}));
  EXPECT_EQ(found.kept, 2);
  EXPECT_EQ(found.run, 2);
  EXPECT_EQ(answer.reason(), StopReason::MaxTokens);
}

TEST_F(Verify, ASlipOfRowsIsABug) {
  Answer answer = start();
  EXPECT_ANY_THROW((void)verify(answer, Draft{{10, 11}, {}}, {}));
}

TEST_F(Verify, DraftsBeyondTheAnswerAreOfNoUse) {
  options_.max_tokens = 5;
  Answer answer = start();
  EXPECT_EQ(useful_drafts(answer, 100), 4);  // four drafts and what follows them
  EXPECT_EQ(useful_drafts(answer, 3), 2);
  options_.max_tokens = -1;
  EXPECT_EQ(useful_drafts(start(), 100), 99);
}

TEST_F(Verify, AsManyDraftsAsAreExact) {
  runtime::Decoder& decoder = model_->decoder();
  EXPECT_EQ(most_draft(decoder), std::min<int64_t>(decoder.min_chunk - 2, 7));
  decoder.max_outputs = 3;
  EXPECT_EQ(most_draft(decoder), 2);
  decoder.min_chunk = 2;
  EXPECT_EQ(most_draft(decoder), 0);
}

}  // namespace
}  // namespace verge::serve
