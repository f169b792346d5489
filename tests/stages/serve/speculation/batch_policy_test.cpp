#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/speculation/batch_policy.hpp>

namespace verge::serve {
namespace {

constexpr DraftPolicyOptions kBatchOptions;
constexpr int64_t kRoom = 1 << 20;

// What the world does. A step reads the weights, which takes 1, and computes its rows, which takes
// `row` each; the machine does both at once, but for a part.
struct BatchWorld {
  double row = 0;
  double draft = 0;        // of a round of drafts
  double acceptance = 0;   // of even sequences
  double acceptance2 = 0;  // of odd ones
  double noise = 0;        // of times, relative

  double step(int64_t rows) const {
    const double compute = row * static_cast<double>(rows);
    return std::max(1.0, compute) + 0.1 * std::min(1.0, compute);
  }
};

struct BatchPlayed {
  double speedup = 0;
  int64_t drafted[2] = {};  // of even and odd sequences
  int64_t steps = 0;
};

// `answers` at once, each of so many tokens and then followed by another one.
class BatchPlay {
 public:
  BatchPlay(const BatchWorld& world, int64_t answers, int64_t length, uint64_t seed)
      : world_(world), length_(length), rng_(seed), left_(static_cast<size_t>(answers)) {
    for (size_t i = 0; i < left_.size(); ++i) {
      histories_.push_back(start_history(state_, kBatchOptions));
      left_[i] = 1 + rng_.below(static_cast<uint32_t>(length));  // they do not end together
    }
  }

  BatchPlayed run(int64_t tokens, int64_t room = kRoom) {
    BatchPlayed played;
    double seconds = 0;
    int64_t drawn = 0;
    while (drawn < tokens) {
      drawn += step(seconds, played, room);
      ++played.steps;
    }
    const auto answers = static_cast<double>(left_.size());
    const double plain = world_.step(static_cast<int64_t>(left_.size())) / answers;
    played.speedup = static_cast<double>(drawn) * plain / seconds;
    return played;
  }

 private:
  int64_t step(double& seconds, BatchPlayed& played, int64_t room) {
    std::vector<const DraftHistory*> histories;
    for (const DraftHistory& history : histories_) histories.push_back(&history);
    std::vector<int64_t> most;
    for (const int64_t left : left_) most.push_back(std::min<int64_t>(left - 1, 8));
    const auto drafts = decide_drafts(state_, kBatchOptions, histories, most, room);
    std::vector<SequenceDraft> parts;
    int64_t all = 0, rounds = 0, drawn = 0;
    for (size_t i = 0; i < drafts.size(); ++i) {
      EXPECT_LE(drafts[i], most[i]);
      const double acceptance = i % 2 == 0 ? world_.acceptance : world_.acceptance2;
      int64_t kept = 0;
      while (kept < drafts[i] && rng_.uniform() < acceptance) ++kept;
      parts.push_back({&histories_[i], drafts[i], kept});
      all += drafts[i];
      rounds = std::max(rounds, drafts[i]);
      played.drafted[i % 2] += drafts[i];
      drawn += kept + 1;
    }
    EXPECT_LE(all, room);
    const double draft_s = world_.draft * static_cast<double>(rounds);
    const double step_s = world_.step(static_cast<int64_t>(parts.size()) + all);
    seconds += draft_s + step_s;
    observe_drafts(state_, kBatchOptions, parts);
    const double noise = 1 + world_.noise * std::abs(double{rng_.normal()});
    observe_times(state_, kBatchOptions, parts, draft_s, step_s * noise);
    for (size_t i = 0; i < parts.size(); ++i) {
      left_[i] -= parts[i].kept + 1;
      if (left_[i] > 0) continue;
      left_[i] = length_;
      histories_[i] = start_history(state_, kBatchOptions);
    }
    return drawn;
  }

  BatchWorld world_;
  int64_t length_;
  Rng rng_;
  std::vector<int64_t> left_;
  std::vector<DraftHistory> histories_;
  BatchPolicyState state_;
};

TEST(BatchPolicy, LosesLittleWhereNothingCanBeGuessed) {
  for (const int64_t answers : {1, 2, 4, 8, 16, 64}) {
    for (const double acceptance : {0.0, 0.15}) {
      for (const BatchWorld& world :
           {BatchWorld{0.02}, BatchWorld{0.1}, BatchWorld{0.3}, BatchWorld{1}, BatchWorld{0.1, 0.3},
            BatchWorld{1, 1}, BatchWorld{0.1, 0.05, 0, 0, 0.2}}) {
        BatchWorld played = world;
        played.acceptance = played.acceptance2 = acceptance;
        for (uint64_t seed = 1; seed <= 2; ++seed) {
          const int64_t tokens = 500 * answers;
          EXPECT_GT(BatchPlay(played, answers, 150, seed).run(tokens, 32).speedup, 0.96)
              << answers << " answers, row " << world.row << " draft " << world.draft
              << " acceptance " << acceptance;
        }
      }
    }
  }
}

// With rows that are all computed, a draft that is kept saves what it costs, at best.
TEST(BatchPolicy, IsOffInAFullBatch) {
  for (const double acceptance : {0.5, 0.95}) {
    const BatchWorld world{0.2, 0, acceptance, acceptance, 0.02};
    const BatchPlayed full = BatchPlay(world, 16, 200, 1).run(16 * 2000, 32);
    EXPECT_LT(full.drafted[0] + full.drafted[1], full.steps / 10) << acceptance;
    EXPECT_GT(full.speedup, 0.98);
  }
  const BatchWorld world{0.2, 0, 0.95, 0.95, 0.02};
  EXPECT_GT(BatchPlay(world, 1, 200, 1).run(2000).speedup, 2);  // the same model with one answer
}

double best_of_all_alike(const BatchWorld& world, int64_t answers) {
  double best = 1;
  for (int64_t k = 1; k <= 8; ++k) {
    const auto depth = static_cast<double>(k);
    const double tokens = (1 - std::pow(world.acceptance, depth + 1)) / (1 - world.acceptance);
    best = std::max(
        best, tokens * world.step(answers) / (world.step(answers * (k + 1)) + world.draft * depth));
  }
  return best;
}

TEST(BatchPolicy, GainsMostOfWhatThereIs) {
  for (const int64_t answers : {1, 2, 4, 8}) {
    for (const BatchWorld& world :
         {BatchWorld{0.02, 0, 0.8, 0.8}, BatchWorld{0.05, 0, 0.8, 0.8, 0.1},
          BatchWorld{0.01, 0.1, 0.9, 0.9}}) {
      const double best = best_of_all_alike(world, answers);
      double mean = 0;
      for (uint64_t seed = 1; seed <= 5; ++seed) {
        mean += BatchPlay(world, answers, 400, seed).run(1000 * answers).speedup / 5;
      }
      EXPECT_GT(mean, 1 + 0.7 * (best - 1))
          << answers << " answers, row " << world.row << " best " << best;
    }
  }
}

TEST(BatchPolicy, DraftsForThoseWhoCanBeGuessed) {
  const BatchWorld world{0.08, 0, 0.9, 0.05};
  const BatchPlayed played = BatchPlay(world, 4, 400, 1).run(4000);
  EXPECT_GT(played.drafted[0], 5 * played.drafted[1]);
  EXPECT_GT(played.speedup, 1.3);
}

TEST(BatchPolicy, KeepsToTheRowsThereAre) {
  const BatchWorld world{0.01, 0, 0.95, 0.95};
  const BatchPlayed free = BatchPlay(world, 4, 400, 1).run(4000);
  const BatchPlayed tight = BatchPlay(world, 4, 400, 1).run(4000, 6);
  EXPECT_GT(tight.speedup, 1.5);
  EXPECT_GT(free.speedup, tight.speedup);
  EXPECT_EQ(BatchPlay(world, 4, 400, 1).run(400, 0).drafted[0], 0);
}

TEST(BatchPolicy, FirstMeasuresPlainSteps) {
  BatchPolicyState state;
  DraftHistory history = start_history(state, kBatchOptions);
  const DraftHistory* histories[] = {&history};
  const int64_t most[] = {8};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(decide_drafts(state, kBatchOptions, histories, most, kRoom), std::vector<int64_t>{0});
    const SequenceDraft part{&history};
    observe_drafts(state, kBatchOptions, {&part, 1});
    observe_times(state, kBatchOptions, {&part, 1}, 0, 1e-3);
  }
  EXPECT_GT(decide_drafts(state, kBatchOptions, histories, most, kRoom)[0], 0);
  const DraftHistory* two[] = {&history, &history};
  const int64_t most_of_two[] = {8, 8};  // another load: measured for itself
  EXPECT_EQ(decide_drafts(state, kBatchOptions, two, most_of_two, kRoom),
            (std::vector<int64_t>{0, 0}));
}

// A clock that stands still, as in a test, says nothing.
TEST(BatchPolicy, WithoutTimesThereAreNoDrafts) {
  BatchPolicyState state;
  DraftHistory history = start_history(state, kBatchOptions);
  const DraftHistory* histories[] = {&history};
  const int64_t most[] = {8};
  const SequenceDraft part{&history};
  for (int i = 0; i < 10; ++i) observe_times(state, kBatchOptions, {&part, 1}, 0, 0);
  EXPECT_EQ(decide_drafts(state, kBatchOptions, histories, most, kRoom), std::vector<int64_t>{0});
}

TEST(BatchPolicy, ANewAnswerBeginsWithWhatOthersTell) {
  BatchPolicyState state;
  EXPECT_EQ(start_history(state, kBatchOptions).prior, kBatchOptions.prior);
  DraftHistory history = start_history(state, kBatchOptions);
  for (int i = 0; i < 100; ++i) {
    const SequenceDraft part{&history, 4, 0};
    observe_drafts(state, kBatchOptions, {&part, 1});
  }
  EXPECT_LT(start_history(state, kBatchOptions).prior, 0.05);
}

}  // namespace
}  // namespace verge::serve
