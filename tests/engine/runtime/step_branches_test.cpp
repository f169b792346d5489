// Branches of a step: a tree of tokens after one text, of which each is computed once. Every
// token's logits are those of its path run token by token, bit for bit.

#include <verge/engine/runtime/step.hpp>

#include "tiny_models.hpp"

namespace verge::runtime {
namespace {

// Items of a random tree: item i goes on from an earlier one, at some token of its path.
struct BranchedStep {
  std::vector<std::vector<int32_t>> own, paths;  // tokens of each item; and those before them, too
  std::vector<StepItem> items;
};

BranchedStep random_branches(Rng& rng, int64_t longest, size_t count) {
  BranchedStep step;
  for (size_t i = 0; i < count; ++i) {
    StepItem item;
    if (i > 0) {
      item.branch_of = static_cast<int32_t>(rng.below(static_cast<uint32_t>(i)));
      const auto& trunk = step.paths[static_cast<size_t>(item.branch_of)];
      item.branch_at =
          std::min<int64_t>(1 + rng.below(static_cast<uint32_t>(trunk.size())), longest - 1);
      step.paths.emplace_back(trunk.begin(), trunk.begin() + item.branch_at);
    } else {
      step.paths.emplace_back();
    }
    const auto most = static_cast<uint32_t>(longest - item.branch_at);
    step.own.push_back(test::random_tokens(1 + static_cast<int>(rng.below(most)), 512, i + 1));
    auto& path = step.paths.back();
    path.insert(path.end(), step.own.back().begin(), step.own.back().end());
    step.items.push_back(item);
  }
  for (size_t i = 0; i < count; ++i) {
    step.items[i].tokens = step.own[i];
    step.items[i].outputs = static_cast<int64_t>(step.own[i].size());
  }
  return step;
}

std::vector<float> copy_of(std::span<const float> logits) {
  return {logits.begin(), logits.end()};
}

class StepBranches : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const model::LoadOptions load{
        .context = 96, .max_tokens = 96, .max_outputs = 32, .max_sequences = 6, .kv_tokens = 960};
    model_ = test::load_model(test::write_model(folder_, test::tiny_spec(GetParam())), pool_, load);
    ASSERT_NE(model_, nullptr);
  }
  Decoder& decoder() { return model_->decoder(); }

  Sequence begun(std::span<const int32_t> prompt) {
    Sequence sequence(decoder());
    const StepItem item{&sequence, prompt};
    EXPECT_TRUE(run_step(decoder(), {&item, 1}).ok());
    return sequence;
  }

  // The logits after each of the last `own` tokens of a path, run one by one.
  std::vector<std::vector<float>> alone(std::span<const int32_t> prompt,
                                        std::span<const int32_t> path, size_t own) {
    Sequence sequence = begun(prompt);
    std::vector<std::vector<float>> rows;
    for (size_t i = 0; i < path.size(); ++i) {
      const StepItem item{&sequence, path.subspan(i, 1)};
      EXPECT_TRUE(run_step(decoder(), {&item, 1}).ok());
      if (i >= path.size() - own) rows.push_back(copy_of(step_logits(decoder(), 0)));
    }
    return rows;
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  std::unique_ptr<model::LanguageModel> model_;
};

TEST_P(StepBranches, GiveTheBitsOfEachPathAlone) {
  Rng rng(5);
  const int64_t longest = std::min<int64_t>(decoder().min_chunk - 1, 6);
  const int32_t free = decoder().pool.free_pages();
  for (const int length : {31, 32, 40, 60}) {  // the tree begins before, at and after a page's end
    const std::vector<int32_t> prompt = test::random_tokens(length, 512);
    BranchedStep step = random_branches(rng, longest, 2 + rng.below(4));
    std::vector<Sequence> sequences;
    sequences.push_back(begun(prompt));
    while (sequences.size() < step.items.size()) {
      auto fork = sequences[0].fork();
      ASSERT_TRUE(fork.ok());
      sequences.push_back(std::move(*fork));
    }
    for (size_t i = 0; i < step.items.size(); ++i) step.items[i].sequence = &sequences[i];
    ASSERT_TRUE(run_step(decoder(), step.items).ok());
    std::vector<std::vector<float>> rows;
    for (int64_t row = 0; row < decoder().outputs; ++row)
      rows.push_back(copy_of(step_logits(decoder(), row)));
    size_t row = 0;
    for (size_t i = 0; i < step.items.size(); ++i) {
      for (const auto& logits : alone(prompt, step.paths[i], step.own[i].size())) {
        ASSERT_EQ(rows[row++], logits) << "length " << length << " item " << i;
      }
      std::vector<int32_t> all = prompt;
      all.insert(all.end(), step.paths[i].begin(), step.paths[i].end());
      ASSERT_EQ(sequences[i].tokens(), all);
      // And it goes on as if it had been alone: the pages hold what they should.
      const std::vector<int32_t> more = {7};
      const StepItem next{&sequences[i], more};
      ASSERT_TRUE(run_step(decoder(), {&next, 1}).ok());
      const std::vector<float> found = copy_of(step_logits(decoder(), 0));
      all.push_back(7);
      EXPECT_EQ(found, alone(prompt, std::span(all).subspan(prompt.size()), 1)[0]);
    }
    sequences.clear();
    EXPECT_EQ(decoder().pool.free_pages(), free);
  }
}

TEST_P(StepBranches, WhatIsNoBranchIsABug) {
  const std::vector<int32_t> prompt = test::random_tokens(10, 512), tokens = {1, 2, 3};
  Sequence a = begun(prompt), b = begun(prompt), other = begun(tokens);
  const auto run = [&](Sequence& branch, int32_t of, int64_t at) {
    const std::vector<StepItem> items = {
        {&a, tokens}, {.sequence = &branch, .tokens = tokens, .branch_of = of, .branch_at = at}};
    return run_step(decoder(), items);
  };
  EXPECT_THROW((void)run(b, 0, 0), InternalError);
  EXPECT_THROW((void)run(b, 0, 4), InternalError);
  EXPECT_THROW((void)run(b, 1, 1), InternalError);
  EXPECT_THROW((void)run(b, -1, 1), InternalError);
  EXPECT_THROW((void)run(other, 0, 1), InternalError);
  EXPECT_TRUE(run(b, 0, 2).ok());
  EXPECT_EQ(b.length(), 15);
}

// What a branch shares counts among the step's tokens, since it is written for both.
TEST_P(StepBranches, WritesNoMoreThanThePlanIsFor) {
  const std::vector<int32_t> tokens = test::random_tokens(50, 512);
  Sequence a(decoder()), b(decoder());
  std::vector<StepItem> items = {
      {&a, tokens, 0},
      {.sequence = &b, .tokens = std::span(tokens).first(1), .branch_of = 0, .branch_at = 46}};
  EXPECT_EQ(run_step(decoder(), items).error().code, Code::InvalidArgument);
  items[1].branch_at = 45;
  EXPECT_TRUE(run_step(decoder(), items).ok());
  EXPECT_EQ(b.length(), 46);
}

INSTANTIATE_TEST_SUITE_P(Of, StepBranches,
                         testing::Values("tiny-llama", "tiny-gemma2", "tiny-qwen3moe",
                                         "tiny-qwen2"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace verge::runtime
