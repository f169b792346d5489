#include <set>

#include <verge/engine/text/logprobs.hpp>
#include <verge/stages/serve/speculation/tree_growth.hpp>

#include "speculation_case.hpp"

namespace verge::serve {
namespace {

class TreeGrowth : public SpeculationCase {
 protected:
  TreeGrowth() { kv_tokens_ = 320; }

  DraftTree grown(const TreeShape& shape) {
    Answer answer = std::move(*Answer::start(model_->tokenizer(), options_, prompt_));
    runtime::Sequence sequence(model_->decoder());
    Rng unused(0);
    DraftSampler sampler(answer, DraftDraws::Shared, unused);
    const auto run = [&](std::span<const runtime::StepItem> items) {
      largest_ = std::max(largest_, items.size());
      return runtime::run_step(model_->decoder(), items);
    };
    const runtime::StepItem item{&sequence, prompt_};
    EXPECT_TRUE(run({&item, 1}).ok());
    auto tree = grow_tree(sequence, shape, sampler, run);
    EXPECT_TRUE(tree.ok());
    return *tree;
  }

  // The likeliest tokens after a path, by running the model on it alone.
  std::vector<text::TokenProbability> after(const DraftTree& tree, int32_t node) {
    std::vector<int32_t> path;
    for (; node != kTreeRoot; node = tree.nodes()[static_cast<size_t>(node)].parent) {
      path.insert(path.begin(), tree.nodes()[static_cast<size_t>(node)].token);
    }
    runtime::Session session = model_->session();
    EXPECT_TRUE(session.append(prompt_).ok());
    for (const int32_t token : path) EXPECT_TRUE(session.append({&token, 1}).ok());
    std::vector<text::TokenProbability> choices;
    for (const auto& [token, logprob] : text::top_logprobs(session.logits(), 3)) {
      choices.push_back({token, std::exp(logprob)});
    }
    return choices;
  }

  size_t largest_ = 0;
};

// Every node is one of its parent's likeliest tokens, as likely as those say: forks hold their own
// paths.
TEST_F(TreeGrowth, NodesAreWhatTheModelSaysAfterTheirPaths) {
  const int32_t free = model_->decoder().pool.free_pages();
  const TreeShape shape{.nodes = 14, .depth = 4, .width = 3};
  const DraftTree tree = grown(shape);
  EXPECT_EQ(model_->decoder().pool.free_pages(), free);
  EXPECT_EQ(tree.size(), 14);
  EXPECT_GT(largest_, 1u);
  EXPECT_LE(largest_, 3u);
  EXPECT_GT(tree.leaves().size(), 2u);
  std::set<int32_t> drawn = {kTreeRoot};
  for (const DraftNode& node : tree.nodes()) {  // parents first
    EXPECT_LE(node.depth, 4);
    const auto choices = after(tree, node.parent);
    double own = text::probability_of(choices, node.token);
    ASSERT_GT(own, 0);
    // Greedy, the sampler draws the first choice of its own path: at least so likely.
    const bool is_drawn = drawn.contains(node.parent) && node.token == choices[0].token;
    if (is_drawn) {
      drawn.insert(tree.child(node.parent, node.token));
      own = std::max(own, 0.5);
    }
    EXPECT_NEAR(node.probability, tree.probability(node.parent) * own, 1e-5);
  }
  EXPECT_EQ(drawn.size(), 5u) << "the root and a node of each depth";
}

// Greedy, the chain of a proposer is a path of its tree.
TEST_F(TreeGrowth, HasThePathThatTheSamplerDraws) {
  for (const float temperature : {0.0f, 1.2f}) {
    options_.sampling.temperature = temperature;
    Answer answer = std::move(*Answer::start(model_->tokenizer(), options_, prompt_));
    for (const char* name : {"exits", "other"}) {
      const auto make = [&](auto propose) {
        runtime::Sequence sequence(model_->decoder());
        const runtime::StepItem item{&sequence, prompt_};
        EXPECT_TRUE(runtime::run_step(model_->decoder(), {&item, 1}).ok());
        Rng unused(0);
        DraftSampler sampler(answer, DraftDraws::Shared, unused);
        const auto by = proposer(name);
        auto made = propose(*by, sequence, sampler);
        EXPECT_EQ(sequence.tokens(), prompt_);
        return std::move(*made);
      };
      const Draft chain = make([](Proposer& by, auto& sequence, auto& sampler) {
        return by.propose(sequence, 5, 3, sampler, nullptr);
      });
      const DraftTree tree = make([](Proposer& by, auto& sequence, auto& sampler) {
        const TreeShape shape{.nodes = 60, .depth = 3, .width = 3};
        return by.propose_tree(sequence, 5, shape, sampler, nullptr);
      });
      ASSERT_EQ(chain.tokens.size(), 3u);
      int32_t node = kTreeRoot;
      for (const int32_t token : chain.tokens) {
        node = tree.child(node, token);
        ASSERT_NE(node, kTreeRoot) << name << " " << temperature;
      }
    }
  }
}

TEST_F(TreeGrowth, CancelLeavesTheSequenceAsItWas) {
  const std::atomic<bool> cancel = true;
  Answer answer = std::move(*Answer::start(model_->tokenizer(), options_, prompt_));
  for (const char* name : {"exits", "other"}) {
    runtime::Sequence sequence(model_->decoder());
    const runtime::StepItem item{&sequence, prompt_};
    ASSERT_TRUE(runtime::run_step(model_->decoder(), {&item, 1}).ok());
    Rng unused(0);
    DraftSampler sampler(answer, DraftDraws::Shared, unused);
    const auto tree = proposer(name)->propose_tree(sequence, 5, {}, sampler, &cancel);
    ASSERT_FALSE(tree.ok()) << name;
    EXPECT_EQ(tree.error().code, Code::Cancelled) << name;
    EXPECT_EQ(sequence.tokens(), prompt_);
  }
}

}  // namespace
}  // namespace verge::serve
