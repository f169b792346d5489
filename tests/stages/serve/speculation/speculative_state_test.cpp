#include <verge/engine/runtime/step.hpp>

#include "speculation_case.hpp"

namespace verge::serve {
namespace {

struct Running {
  runtime::Sequence sequence;
  Answer answer;
  SpeculativeState state;
};

// Answers of several sequences whose drafts go into the same steps, on a model for so many.
class SpeculativeStateOf : public SpeculationCase {
 protected:
  static constexpr int kSequences = 4;

  void SetUp() override {
    SpeculationCase::SetUp();
    model::LoadOptions load;
    load.context = 128;
    load.max_sequences = kSequences;
    load.max_outputs = 7 * kSequences;
    load.kv_tokens = 128 * kSequences;
    many_ = test::load_model(model_->source().path, pool_, load);
    ASSERT_NE(many_, nullptr);
  }

  Running start(int index) {
    prompt_ = test::random_tokens(10 + index, 512, static_cast<uint64_t>(index));
    auto answer = Answer::start(many_->tokenizer(), options_, prompt_);
    std::unique_ptr<Proposer> guesses;
    if (index % 2 == 0) guesses = std::move(*ExitProposer::create(*many_));
    if (index % 2 == 1) guesses = std::make_unique<NgramProposer>();
    SpeculationOptions options = always();
    options.policy.max_draft = 6;
    Running running{runtime::Sequence(many_->decoder()), std::move(*answer),
                    SpeculativeState(std::move(guesses), options, clock_)};
    const runtime::StepItem item{&running.sequence, prompt_};
    EXPECT_TRUE(runtime::run_step(many_->decoder(), std::span(&item, 1)).ok());
    EXPECT_TRUE(running.answer.draw(runtime::step_logits(many_->decoder(), 0)).ok());
    return running;
  }

  // One step of all sequences whose answers go on; false when none does.
  bool step(std::vector<Running>& all) {
    std::vector<runtime::StepItem> items;
    std::vector<Running*> group;
    for (Running& running : all) {
      if (running.answer.reason()) continue;
      auto tokens = running.state.propose(running.sequence, running.answer);
      EXPECT_TRUE(tokens.ok());
      items.push_back({&running.sequence, *tokens, static_cast<int64_t>(tokens->size())});
      group.push_back(&running);
    }
    if (items.empty()) return false;
    EXPECT_TRUE(runtime::run_step(many_->decoder(), items).ok());
    int64_t row = 0;
    for (size_t i = 0; i < group.size(); ++i) {
      std::vector<std::span<const float>> rows;
      for (int64_t r = 0; r < items[i].outputs; ++r) {
        rows.push_back(runtime::step_logits(many_->decoder(), row++));
      }
      const auto verified = group[i]->state.verify(group[i]->answer, rows, 1e-3);
      EXPECT_TRUE(verified.ok());
      group[i]->sequence.truncate(verified->length);
    }
    return true;
  }

  std::unique_ptr<model::LanguageModel> many_;
};

TEST_F(SpeculativeStateOf, DraftsOfSeveralSequencesShareSteps) {
  std::vector<std::vector<int32_t>> alone;
  for (int i = 0; i < kSequences; ++i) {
    prompt_ = test::random_tokens(10 + i, 512, static_cast<uint64_t>(i));
    alone.push_back(run(nullptr).tokens);
  }
  std::vector<Running> all;
  for (int i = 0; i < kSequences; ++i) all.push_back(start(i));
  while (step(all)) continue;
  for (int i = 0; i < kSequences; ++i) {
    EXPECT_EQ(all[static_cast<size_t>(i)].answer.tokens(), alone[static_cast<size_t>(i)]) << i;
    EXPECT_GT(all[static_cast<size_t>(i)].state.counts().draft_tokens, 0) << i;
  }
}

TEST_F(SpeculativeStateOf, ADroppedDraftLeavesTheNewestToken) {
  Running running = start(0);
  const auto tokens = running.state.propose(running.sequence, running.answer);
  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ(tokens->size(), 7u);
  const auto alone = running.state.drop_draft();
  ASSERT_EQ(alone.size(), 1u);
  EXPECT_EQ(alone[0], running.answer.tokens().back());
}

// Rows of a step are bits of single runs only below the tiles of attention.
TEST_F(SpeculativeStateOf, DraftsAreBoundedByWhatIsExact) {
  EXPECT_EQ(most_draft(many_->decoder()), many_->decoder().min_chunk - 2);
  EXPECT_EQ(most_draft(other_->decoder()), std::min<int64_t>(other_->decoder().min_chunk - 2, 7));
  model::LoadOptions load;
  const auto one_row = test::load_model(model_->source().path, pool_, load);
  EXPECT_EQ(most_draft(one_row->decoder()), 0);
}

}  // namespace
}  // namespace verge::serve
