// Drafts of several sequences together are those of each alone.

#include <verge/engine/runtime/step.hpp>

#include "speculation_case.hpp"

namespace verge::serve {
namespace {

class Proposers : public SpeculationCase {
 protected:
  static constexpr size_t kSequences = 4;

  void SetUp() override {
    SpeculationCase::SetUp();
    model::LoadOptions load;
    load.context = 128;
    load.max_sequences = kSequences;
    load.kv_tokens = 128 * kSequences;
    many_ = test::load_model(model_->source().path, pool_, load);
    guessing_ = test::load_model(other_->source().path, pool_, load);
    for (size_t i = 0; i < kSequences; ++i) {
      prompts_.push_back(test::random_tokens(10 + 7 * static_cast<int64_t>(i), 512, i));
      prompts_.back().push_back(prompts_.back()[3]);  // something for n-grams
      sequences_.emplace_back(many_->decoder());
      const runtime::StepItem item{&sequences_.back(), prompts_.back(), 0};
      ASSERT_TRUE(runtime::run_step(many_->decoder(), {&item, 1}).ok());
      answers_.push_back(std::move(*Answer::start(many_->tokenizer(), options_, prompts_.back())));
    }
  }

  std::unique_ptr<Proposer> on_many(const std::string& name) {
    if (name == "ngram") return std::make_unique<NgramProposer>();
    if (name == "exits") return std::move(*ExitProposer::create(*many_));
    return std::make_unique<ModelProposer>(guessing_->decoder());
  }

  // Sequence i asks for i + 1 tokens.
  std::vector<std::vector<int32_t>> together(const std::string& name) {
    std::vector<std::unique_ptr<Proposer>> proposers;
    std::vector<DraftSampler> samplers;
    std::vector<DraftJob> jobs;
    samplers.reserve(kSequences);
    Rng rng(0);
    for (size_t i = 0; i < kSequences; ++i) {
      proposers.push_back(on_many(name));
      samplers.emplace_back(answers_[i], DraftDraws::Shared, rng);
      jobs.push_back({proposers.back().get(), &sequences_[i], 5, static_cast<int64_t>(i) + 1,
                      &samplers.back()});
    }
    EXPECT_TRUE(proposers[0]->propose_all(jobs, nullptr).ok());
    std::vector<std::vector<int32_t>> drafts;
    for (DraftJob& job : jobs) drafts.push_back(std::move(job.draft.tokens));
    for (size_t i = 0; i < kSequences; ++i) EXPECT_EQ(sequences_[i].tokens(), prompts_[i]) << name;
    return drafts;
  }

  std::unique_ptr<model::LanguageModel> many_, guessing_;
  std::vector<std::vector<int32_t>> prompts_;
  std::vector<runtime::Sequence> sequences_;
  std::vector<Answer> answers_;
};

TEST_F(Proposers, DraftTogetherAsAlone) {
  for (const float temperature : {0.0f, 0.9f}) {
    options_.sampling.temperature = temperature;
    answers_.clear();
    for (const auto& prompt : prompts_) {
      answers_.push_back(std::move(*Answer::start(many_->tokenizer(), options_, prompt)));
    }
    for (const char* name : {"ngram", "exits", "draft"}) {
      const auto drafts = together(name);
      Rng rng(0);
      for (size_t i = 0; i < kSequences; ++i) {
        DraftSampler sampler(answers_[i], DraftDraws::Shared, rng);
        const auto most = static_cast<int64_t>(i) + 1;
        const auto alone = on_many(name)->propose(sequences_[i], 5, most, sampler, nullptr);
        ASSERT_TRUE(alone.ok());
        EXPECT_EQ(drafts[i], alone->tokens) << name << " " << i;
        if (std::string(name) != "ngram") {
          EXPECT_EQ(drafts[i].size(), i + 1) << name;
        }
      }
    }
  }
}

// A run of the draft model holds so many tokens: who is far behind drafts later.
TEST_F(Proposers, CatchUpWithinOneRun) {
  guessing_->decoder().max_tokens = 40;
  std::vector<std::unique_ptr<Proposer>> proposers;
  Rng rng(0);
  for (size_t i = 0; i < kSequences; ++i) proposers.push_back(on_many("draft"));
  size_t drafting = 0;
  for (int step = 0; step < 5; ++step) {
    std::vector<DraftSampler> samplers;
    samplers.reserve(kSequences);
    std::vector<DraftJob> jobs;
    for (size_t i = 0; i < kSequences; ++i) {
      samplers.emplace_back(answers_[i], DraftDraws::Shared, rng);
      jobs.push_back({proposers[i].get(), &sequences_[i], 5, 2, &samplers.back()});
    }
    ASSERT_TRUE(proposers[0]->propose_all(jobs, nullptr).ok());
    const auto now = static_cast<size_t>(
        std::ranges::count_if(jobs, [](const DraftJob& job) { return job.is_full(); }));
    EXPECT_GE(now, drafting);
    drafting = now;
    if (step == 0) {
      EXPECT_LT(drafting, kSequences);
    }
  }
  EXPECT_EQ(drafting, kSequences);
}

TEST_F(Proposers, CancelLeavesSequencesAsTheyWere) {
  const std::atomic<bool> cancel = true;
  for (const char* name : {"exits", "draft"}) {
    const auto proposer = on_many(name);
    Rng rng(0);
    DraftSampler sampler(answers_[0], DraftDraws::Shared, rng);
    DraftJob job{proposer.get(), &sequences_[0], 5, 3, &sampler};
    const Status status = proposer->propose_all({&job, 1}, &cancel);
    ASSERT_FALSE(status.ok()) << name;
    EXPECT_EQ(status.error().code, Code::Cancelled) << name;
    EXPECT_EQ(sequences_[0].tokens(), prompts_[0]) << name;
  }
}

}  // namespace
}  // namespace verge::serve
