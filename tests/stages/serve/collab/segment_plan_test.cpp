#include <map>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/collab/segment_plan.hpp>

namespace verge::serve {
namespace {

const SegmentLimits kRoom = {
    .tokens = 32, .sequences = 8, .outputs = 4, .min_chunk = 4, .fill_tokens = 16};

SegmentCandidate decoded(size_t id, int64_t done, int64_t end, double served = 0) {
  return {.id = id,
          .is_asked = true,
          .served = served,
          .arrival = id,
          .done = done,
          .end = end,
          .same_end = end,
          .first_asked = end - 1};
}

SegmentCandidate prompt(size_t id, int64_t done, int64_t ready, int64_t prompt_end, bool is_asked) {
  return {.id = id,
          .is_asked = is_asked,
          .arrival = id,
          .done = done,
          .end = ready,
          .same_end = std::min(ready, prompt_end),
          .prompt_end = prompt_end,
          .first_asked = ready - 1};
}

std::vector<SegmentPart> plan_of(std::vector<SegmentCandidate> candidates) {
  return plan_segments(candidates, kRoom);
}

TEST(SegmentPlan, SessionsThatWaitRunTogether) {
  const auto parts = plan_of({decoded(0, 10, 13), decoded(1, 5, 6)});
  const std::vector<SegmentPart> expected = {{0, 3, true, 1}, {1, 1, true, 1}};
  EXPECT_EQ(parts, expected);
}

TEST(SegmentPlan, TheLeastServedTenantIsFirst) {
  const auto parts = plan_of({decoded(0, 0, 7, 100), decoded(1, 0, 7, 50)});
  const std::vector<SegmentPart> expected = {{1, 7, true, 1}, {0, 1, true, 0}};
  EXPECT_EQ(parts, expected);
}

TEST(SegmentPlan, PromptsAreRunAheadOnlyWhileNobodyWaits) {
  const SegmentCandidate ahead = prompt(1, 0, 20, 20, false);
  EXPECT_EQ(plan_of({decoded(0, 10, 11), ahead}).size(), 1u);
  const std::vector<SegmentPart> expected = {{1, 16, false, 0}};
  EXPECT_EQ(plan_of({ahead}), expected);
}

TEST(SegmentPlan, DecodedTokensAreNotRunAhead) {
  SegmentCandidate candidate = decoded(0, 10, 13);
  candidate.is_asked = false;
  EXPECT_TRUE(plan_of({candidate}).empty());
}

TEST(SegmentPlan, NoChunkLeavesLessThanTheLeast) {
  // 6 of 8 have come: with 6 run, 2 would be left.
  const std::vector<SegmentPart> four = {{0, 4, false, 0}};
  EXPECT_EQ(plan_of({prompt(0, 0, 6, 8, false)}), four);
  EXPECT_TRUE(plan_of({prompt(0, 4, 6, 8, false)}).empty());
  const std::vector<SegmentPart> rest = {{0, 4, false, 1}};
  EXPECT_EQ(plan_of({prompt(0, 4, 8, 8, false)}), rest);
}

TEST(SegmentPlan, AnAnswerAfterItsPromptNeedsTwoSteps) {
  const SegmentCandidate first = prompt(0, 0, 12, 10, true);
  const std::vector<SegmentPart> whole_prompt = {{0, 10, false, 0}};
  EXPECT_EQ(plan_of({first}), whole_prompt);
  const std::vector<SegmentPart> last = {{0, 2, true, 1}};
  EXPECT_EQ(plan_of({decoded(0, 10, 12)}), last);
  const std::vector<SegmentPart> at_once = {{0, 10, false, 1}};
  EXPECT_EQ(plan_of({prompt(0, 0, 10, 10, true)}), at_once);
}

TEST(SegmentPlan, AllThatIsAskedOfASessionIsAnsweredTogether) {
  SegmentCandidate drafting = decoded(0, 10, 15);
  drafting.first_asked = 12;
  const std::vector<SegmentPart> three = {{0, 5, true, 3}};
  EXPECT_EQ(plan_of({drafting}), three);
  drafting.end = drafting.same_end = 18;  // 6 rows of logits, with room for 4
  const std::vector<SegmentPart> four = {{0, 6, true, 4}};
  EXPECT_EQ(plan_of({drafting}), four);
  const std::vector<SegmentPart> no_room = {{0, 6, true, 4}};
  EXPECT_EQ(plan_of({drafting, decoded(1, 0, 1, 5)}), no_room);
}

// Whatever waits: a step is within its limits, and the first that waits always goes on.
TEST(SegmentPlan, StepsAreWithinTheirLimitsAndGoOn) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng(seed);
    const auto below = [&rng](uint32_t bound) { return static_cast<int64_t>(rng.below(bound)); };
    std::vector<SegmentCandidate> candidates;
    for (size_t id = 0; id < 12; ++id) {
      const int64_t done = below(20), length = 1 + below(60);
      const bool is_asked = below(2) == 0;
      if (below(2) == 0) {
        candidates.push_back(prompt(id, done, done + length, done + length, is_asked));
      } else {
        candidates.push_back(decoded(id, done, done + length, static_cast<double>(below(3))));
        candidates.back().is_asked = is_asked;
      }
    }
    std::map<size_t, SegmentCandidate> by_id;
    for (const SegmentCandidate& candidate : candidates) by_id[candidate.id] = candidate;
    int64_t tokens = 0, sequences = 0, outputs = 0;
    const auto parts = plan_segments(candidates, kRoom);
    for (const SegmentPart& part : parts) {
      const SegmentCandidate& of = by_id.at(part.id);
      EXPECT_GE(part.positions, 1);
      EXPECT_LE(of.done + part.positions, of.end);
      EXPECT_EQ(part.one_by_one, of.prompt_end == 0);
      tokens += part.positions;
      sequences += part.one_by_one ? part.positions : 1;
      outputs += part.outputs;
      const bool is_last = of.done + part.positions == of.end;
      EXPECT_TRUE(part.outputs > 0 || !of.is_asked || !is_last || of.prompt_end > of.end);
    }
    EXPECT_LE(tokens, kRoom.tokens);
    EXPECT_LE(sequences, kRoom.sequences);
    EXPECT_LE(outputs, kRoom.outputs);
    const bool is_any_asked =
        std::ranges::any_of(candidates, [](const SegmentCandidate& c) { return c.is_asked; });
    EXPECT_TRUE(!is_any_asked || !parts.empty());
    for (const SegmentPart& part : parts) EXPECT_EQ(by_id.at(part.id).is_asked, is_any_asked);
  }
}

}  // namespace
}  // namespace verge::serve
