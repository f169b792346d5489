#include <verge/stages/serve/speculation/tree_step.hpp>

#include "speculation_case.hpp"

namespace verge::serve {
namespace {

// Trees made by hand around the answer that the model gives.
class TreeSteps : public SpeculationCase {
 protected:
  TreeSteps() { kv_tokens_ = 320; }

  void SetUp() override {
    SpeculationCase::SetUp();
    options_.max_tokens = 12;
    wanted_ = run(nullptr).tokens;
    free_ = model_->decoder().pool.free_pages();
  }

  // A token that the model does not say at this place.
  int32_t wrong(size_t at) const { return (wanted_[at] + 1) % 500 + 3; }

  // The answer's first token is drawn; one step with the tree.
  DrawnPath step(const DraftTree& tree) {
    runtime::Session session = model_->session();
    EXPECT_TRUE(session.append(prompt_).ok());
    Answer answer = std::move(*Answer::start(model_->tokenizer(), options_, prompt_));
    EXPECT_TRUE(answer.draw(session.logits()).ok());
    TreeStep made(session.sequence(), answer.tokens().back(), tree);
    EXPECT_TRUE(made.run(-1, nullptr).ok());
    auto drawn = made.verify(answer);
    EXPECT_TRUE(drawn.ok());
    const std::vector<int32_t>& tokens = answer.tokens();
    EXPECT_TRUE(std::equal(tokens.begin(), tokens.end(), wanted_.begin()));
    std::vector<int32_t> all = prompt_;
    all.insert(all.end(), tokens.begin(), tokens.end() - 1);
    EXPECT_EQ(session.tokens(), all);
    EXPECT_EQ(session.sequence().pages().size(), (all.size() + 31) / 32);
    // And the session holds what it should: what follows is what the model says.
    const int32_t newest = tokens.back();
    EXPECT_TRUE(session.append({&newest, 1}).ok());
    EXPECT_EQ(likeliest_token(session.logits()), wanted_[tokens.size()]);
    return std::move(*drawn);
  }

  static int32_t likeliest_token(std::span<const float> logits) {
    return static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
  }

  void expect_no_leak() { EXPECT_EQ(model_->decoder().pool.free_pages(), free_); }

  std::vector<int32_t> wanted_;
  int32_t free_ = 0;
};

TEST_F(TreeSteps, WithoutATreeOneTokenIsDrawn) {
  const DrawnPath drawn = step({});
  EXPECT_EQ(drawn.piece.tokens, std::vector<int32_t>{wanted_[1]});
  EXPECT_TRUE(drawn.nodes.empty());
  expect_no_leak();
}

TEST_F(TreeSteps, TheLongestPathThatIsDrawnIsKept) {
  for (const size_t right : {0, 1, 2, 3}) {  // so many tokens of the answer, on the second path
    DraftTree tree;
    int32_t node = tree.add(kTreeRoot, wrong(1), 0.9);
    tree.add(node, wanted_[2], 0.8);
    node = kTreeRoot;
    std::vector<int32_t> expected;
    for (size_t i = 0; i < right; ++i) {
      tree.add(node, wrong(i + 1), 0.7);  // before the right one
      node = tree.add(node, wanted_[i + 1], 0.6);
      expected.push_back(node);
    }
    const DrawnPath drawn = step(tree);
    EXPECT_EQ(drawn.nodes, expected) << right;
    EXPECT_EQ(drawn.piece.tokens.size(), right + 1) << right;
    expect_no_leak();
  }
}

// The tree crosses the end of a page at every place.
TEST_F(TreeSteps, AtEveryPlaceOfAPage) {
  for (int64_t length = 26; length <= 34; ++length) {
    prompt_ = test::random_tokens(static_cast<int>(length), 512);
    wanted_ = run(nullptr).tokens;
    DraftTree tree;
    tree.add(kTreeRoot, wrong(1), 0.9);
    int32_t node = kTreeRoot;
    for (size_t i = 1; i <= 4; ++i) node = tree.add(node, wanted_[i], 0.5);
    EXPECT_EQ(step(tree).nodes.size(), 4u) << length;
    expect_no_leak();
  }
}

TEST_F(TreeSteps, EndsWithTheAnswer) {
  options_.max_tokens = 3;
  DraftTree tree;
  int32_t node = kTreeRoot;
  for (size_t i = 1; i <= 4; ++i) node = tree.add(node, wanted_[i], 1);
  const DrawnPath drawn = step(tree);
  EXPECT_EQ(drawn.piece.tokens.size(), 2u);
  EXPECT_EQ(drawn.nodes.size(), 2u);
}

TEST_F(TreeSteps, AFailureLeavesTheSequenceAsItWas) {
  runtime::Session session = model_->session();
  ASSERT_TRUE(session.append(prompt_).ok());
  auto other = std::make_unique<runtime::Sequence>(model_->decoder());
  runtime::Sequence another(model_->decoder());
  ASSERT_TRUE(other->reserve(128).ok() && another.reserve(128).ok());  // one page is left
  DraftTree tree;
  for (const int32_t token : {4, 5, 6}) tree.add(kTreeRoot, token, 0.5);
  {
    TreeStep made(session.sequence(), 7, tree);
    EXPECT_EQ(made.run(-1, nullptr).error().code, Code::OutOfMemory);
  }
  EXPECT_EQ(session.tokens(), prompt_);
  other.reset();
  another.truncate(0);
  const std::atomic<bool> cancel = true;
  {
    TreeStep made(session.sequence(), 7, tree);
    EXPECT_EQ(made.run(-1, &cancel).error().code, Code::Cancelled);
  }
  EXPECT_EQ(session.tokens(), prompt_);
  EXPECT_EQ(model_->decoder().pool.free_pages(), free_ - 1);
}

TEST_F(TreeSteps, TreesAreCutToWhatOneRunVerifies) {
  runtime::Sequence sequence(model_->decoder());
  DraftTree wide;
  for (int32_t token = 10; token < 20; ++token) wide.add(kTreeRoot, token, 1.0 / token);
  fit_tree(wide, sequence);
  EXPECT_EQ(wide.size(), 4);  // sequences
  EXPECT_EQ(wide.nodes()[0].token, 10);
  DraftTree deep;
  for (int32_t i = 0; i < 10; ++i) deep.add(i - 1, 5, 1);
  fit_tree(deep, sequence);
  EXPECT_EQ(deep.size(), 7);  // rows of logits but one
  model_->decoder().max_tokens = 10;
  DraftTree both;
  int32_t node = kTreeRoot;
  for (int i = 0; i < 4; ++i) node = both.add(node, 5, 0.9);
  node = kTreeRoot;
  for (int i = 0; i < 3; ++i) node = both.add(node, 6, 0.1);
  fit_tree(both, sequence);
  EXPECT_EQ(both.size(), 7);  // 5 and 4 tokens are written
  model_->decoder().max_tokens = 8;
  fit_tree(both, sequence);
  EXPECT_EQ(both.size(), 6);
  runtime::Sequence others[] = {runtime::Sequence(model_->decoder()),
                                runtime::Sequence(model_->decoder())};
  for (auto& other : others) ASSERT_TRUE(other.reserve(128).ok());
  ASSERT_TRUE(sequence.reserve(32).ok());
  sequence.extend(test::random_tokens(27, 512));  // the tree's first path ends with the page
  fit_tree(both, sequence);
  EXPECT_EQ(both.size(), 6);  // one page is left, which the other path takes
  ASSERT_TRUE(sequence.reserve(64).ok());
  fit_tree(both, sequence);
  EXPECT_EQ(both.leaves().size(), 1u);
}

}  // namespace
}  // namespace verge::serve
