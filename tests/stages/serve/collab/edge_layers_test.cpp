#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

std::vector<float> values(std::span<const float> logits) {
  return {logits.begin(), logits.end()};
}

EdgeLayers edge_layers(int64_t max_pending = 32) {
  auto layers = EdgeLayers::create(*SharedModels::get().edge, kExit1, kExit2, max_pending);
  EXPECT_TRUE(layers.ok()) << layers.error().message;
  return std::move(*layers);
}

const std::vector<int32_t>& some_text() {
  static const std::vector<int32_t> tokens = prompt_tokens(
      "To be, or not to be, that is the question: whether it is nobler in the mind to suffer the "
      "slings and arrows of fortune, or to take arms against a sea of troubles.");
  return tokens;
}

// Text forced on a run that leaves early at random and one that never does: what the second exit
// says where both reach it is the same to the last bit, and so are all states.
TEST(EdgeLayers, LeavingEarlyLeavesNoHoles) {
  const std::vector<int32_t>& text = some_text();
  ASSERT_GT(text.size(), 40u);
  const std::span<const int32_t> prompt = std::span(text).first(9);
  for (const uint64_t seed : {1, 2, 3}) {
    EdgeLayers leaves = edge_layers(), stays = edge_layers();
    ASSERT_TRUE(leaves.append(prompt, [](StateRun) {}).ok());
    ASSERT_TRUE(stays.append(prompt, [](StateRun) {}).ok());
    EXPECT_EQ(values(leaves.exit2_logits()), values(stays.exit2_logits()));
    Rng rng(seed);
    for (const int32_t token : std::span(text).subspan(9)) {
      ASSERT_TRUE(leaves.step(token).ok());
      ASSERT_TRUE(stays.step(token).ok());
      ASSERT_TRUE(stays.flush().ok());
      ASSERT_EQ(values(leaves.states()), values(stays.states()));
      ASSERT_EQ(values(leaves.exit1_logits()), values(stays.exit1_logits()));
      if (rng.below(4) != 0 && !leaves.must_flush()) continue;
      ASSERT_TRUE(leaves.flush().ok());
      ASSERT_EQ(values(leaves.exit2_logits()), values(stays.exit2_logits()));
    }
  }
}

TEST(EdgeLayers, TheSecondExitIsTheOneOfItsLayersAlone) {
  EdgeLayers layers = edge_layers();
  runtime::Session session = SharedModels::get().edge->session();
  const std::span<const int32_t> prompt = std::span(some_text()).first(20);
  ASSERT_TRUE(layers.append(prompt, [](StateRun) {}).ok());
  ASSERT_TRUE(session.append(prompt).ok());
  EXPECT_EQ(values(layers.exit2_logits()), values(session.logits()));
  for (const int32_t token : std::span(some_text()).subspan(20, 10)) {
    ASSERT_TRUE(layers.step(token).ok());
    ASSERT_TRUE(layers.flush().ok());
    ASSERT_TRUE(session.append({&token, 1}).ok());
    EXPECT_EQ(values(layers.exit2_logits()), values(session.logits()));
  }
}

TEST(EdgeLayers, StatesComeAgainBitForBit) {
  EdgeLayers layers = edge_layers();
  const auto width = static_cast<size_t>(SharedModels::get().split.width);
  std::vector<float> all;
  const auto keep = [&](const StateRun& run) {
    ASSERT_EQ(static_cast<size_t>(run.position) * width, all.size());
    all.insert(all.end(), run.rows.begin(), run.rows.end());
  };
  const std::vector<int32_t>& text = some_text();
  ASSERT_TRUE(layers.append(std::span(text).first(20), keep).ok());
  for (const int32_t token : std::span(text).subspan(20, 12)) {
    ASSERT_TRUE(layers.step(token).ok());
    keep({layers.length() - 1, 0, values(layers.states())});
  }
  ASSERT_TRUE(layers.append(std::span(text).subspan(32, 3), keep).ok());
  const int64_t length = layers.length();
  for (int64_t from = 0; from < length; from += 3) {
    for (const int64_t to : {from + 1, from + 4, length}) {
      if (to > length) continue;
      const auto runs = layers.states_again({from, to});
      ASSERT_TRUE(runs.ok()) << runs.error().message;
      std::vector<bool> there(static_cast<size_t>(length));
      for (const StateRun& run : *runs) {
        for (size_t i = 0; i < run.rows.size(); ++i) {
          const size_t at = static_cast<size_t>(run.position) * width + i;
          ASSERT_EQ(run.rows[i], all[at]) << "of " << from << " to " << to << ", at " << at / width;
          there[at / width] = true;
        }
      }
      for (int64_t p = from; p < to; ++p) EXPECT_TRUE(there[static_cast<size_t>(p)]) << p;
    }
  }
  ASSERT_TRUE(layers.step(text[0]).ok());  // and nothing was harmed
}

TEST(EdgeLayers, CountsWhatItRan) {
  EdgeLayers layers = edge_layers(), other = edge_layers();
  ASSERT_TRUE(layers.append(std::span(some_text()).first(10), [](StateRun) {}).ok());
  ASSERT_TRUE(other.append(std::span(some_text()).first(10), [](StateRun) {}).ok());
  EXPECT_EQ(layers.layer_tokens(), 10 * kExit2);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(layers.step(5).ok());
  EXPECT_EQ(layers.layer_tokens(), 10 * kExit2 + 3 * kExit1);
  ASSERT_TRUE(layers.flush().ok());
  EXPECT_EQ(layers.layer_tokens(), 13 * kExit2);
}

TEST(EdgeLayers, NoMoreWaitThanMayRunAtOnce) {
  EdgeLayers layers = edge_layers(3);
  ASSERT_TRUE(layers.append(std::span(some_text()).first(4), [](StateRun) {}).ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(layers.must_flush());
    ASSERT_TRUE(layers.step(5).ok());
  }
  EXPECT_TRUE(layers.must_flush());
  const auto many = EdgeLayers::create(*SharedModels::get().edge, kExit1, kExit2, 1000);
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().code, Code::InvalidArgument);
}

TEST(EdgeLayers, APromptBeyondTheContextLeavesNothing) {
  EdgeLayers layers = edge_layers();
  ASSERT_TRUE(layers.append(std::span(some_text()).first(4), [](StateRun) {}).ok());
  const std::vector<int32_t> long_text(300, 5);
  EXPECT_FALSE(layers.append(long_text, [](StateRun) {}).ok());
  EXPECT_EQ(layers.length(), 4);
  ASSERT_TRUE(layers.step(5).ok());
}

// A run that goes astray at random and comes back, and one that does not.
TEST(EdgeLayers, WhatIsTakenBackLeavesNoTrace) {
  const std::vector<int32_t>& text = some_text();
  EdgeLayers strays = edge_layers(), stays = edge_layers();
  for (EdgeLayers* layers : {&strays, &stays}) {
    ASSERT_TRUE(layers->append(std::span(text).first(9), [](StateRun) {}).ok());
  }
  Rng rng(4);
  for (const int32_t token : std::span(text).subspan(9)) {
    const int64_t length = strays.length();
    for (uint32_t left = rng.below(6); left > 0; --left) {
      ASSERT_TRUE(strays.step(static_cast<int32_t>(rng.below(200))).ok());
      ASSERT_TRUE(rng.below(3) != 0 || strays.flush().ok());
    }
    strays.rewind(length);
    ASSERT_EQ(strays.length(), length);
    ASSERT_TRUE(strays.step(token).ok());
    ASSERT_TRUE(stays.step(token).ok());
    ASSERT_EQ(values(strays.exit1_logits()), values(stays.exit1_logits()));
    if (rng.below(3) != 0 && !strays.must_flush()) continue;
    ASSERT_TRUE(strays.flush().ok());
    ASSERT_TRUE(stays.flush().ok());
    ASSERT_EQ(values(strays.exit2_logits()), values(stays.exit2_logits()));
  }
  const auto again = strays.states_again({0, strays.length()});
  const auto expected = stays.states_again({0, stays.length()});
  ASSERT_TRUE(again.ok() && expected.ok());
  ASSERT_EQ(again->size(), expected->size());
  for (size_t i = 0; i < again->size(); ++i) EXPECT_EQ((*again)[i].rows, (*expected)[i].rows);
}

}  // namespace
}  // namespace verge::serve
