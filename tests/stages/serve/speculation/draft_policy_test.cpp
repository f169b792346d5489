#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/speculation/draft_policy.hpp>

namespace verge::serve {
namespace {

constexpr DraftPolicyOptions kOptions;

// What the world does: the price of drafts and rows, and how often a draft is right.
struct World {
  double draft = 0;  // of one drafted token, in plain steps
  double row = 0;    // of one more row in a step
  double acceptance = 0;
  double noise = 0;  // of times, relative

  double step(int64_t drafted) const { return 1 + row * static_cast<double>(drafted); }
};

// A state that has seen `steps` of drafting `drafted` tokens.
DraftPolicyState seen(const World& world, int64_t drafted, int64_t kept, int steps) {
  DraftPolicyState state = start_policy(kOptions);
  for (int i = 0; i < 6; ++i) state = observe(state, kOptions, {0, 0, 0, world.step(0)});
  for (int i = 0; i < steps; ++i) {
    state =
        observe(state, kOptions,
                {drafted, kept, world.draft * static_cast<double>(drafted), world.step(drafted)});
  }
  return state;
}

TEST(DraftPolicy, TheFirstStepsMeasurePlainOnes) {
  DraftPolicyState state = start_policy(kOptions);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(decide_draft(state, kOptions, 8), 0);
    state = observe(state, kOptions, {0, 0, 0, 1e-3});
  }
  EXPECT_GT(decide_draft(state, kOptions, 8), 0);
  EXPECT_EQ(decide_draft(state, kOptions, 0), 0);
  EXPECT_LE(decide_draft(state, kOptions, 1), 1);
}

// Leviathan et al. 2023, theorem 3.8, for one acceptance at all depths.
TEST(DraftPolicy, ExpectsWhatTheFormulaSays) {
  for (const double acceptance : {0.2, 0.5, 0.8}) {
    for (const int64_t k : {1, 3, 8}) {
      DraftPolicyState state = start_policy(kOptions);
      state.step_s.assign(9, 2.0);
      state.draft_s = 0.1;
      state.reached.assign(8, 1e6);
      state.kept.assign(8, 1e6 * acceptance);
      const double c = 0.05;
      const auto n = static_cast<double>(k);
      const double expected = (1 - std::pow(acceptance, n + 1)) / ((1 - acceptance) * (n * c + 1));
      EXPECT_NEAR(expected_speedup(state, kOptions, k), expected, 1e-4) << acceptance << " " << k;
    }
  }
}

struct Decision {
  const char* what;
  World world;
  int64_t drafted, kept;
  int64_t least, most;  // of the next draft
};

TEST(DraftPolicy, DecidesByWhatItHasMeasured) {
  const Decision table[] = {
      {"all kept, free", {0, 0}, 4, 4, 8, 8},
      {"all kept, cheap rows", {0, 0.1}, 4, 4, 8, 8},
      {"half kept, dear drafts", {0.3, 0.05}, 4, 2, 1, 3},
      {"none kept, free drafts, rows cost", {0, 0.1}, 4, 0, 0, 0},
      {"none kept", {0.3, 0.3}, 2, 0, 0, 0},
      {"all kept, but a draft costs a step", {1.0, 0.1}, 4, 4, 0, 0},
      {"all kept, but rows cost a step", {0, 1.0}, 4, 4, 0, 0},
  };
  for (const Decision& row : table) {
    const int64_t draft = decide_draft(seen(row.world, row.drafted, row.kept, 15), kOptions, 8);
    EXPECT_GE(draft, row.least) << row.what;
    EXPECT_LE(draft, row.most) << row.what;
  }
}

TEST(DraftPolicy, ProbesLessOftenEachTimeInVain) {
  const World world{0.3, 0.3};
  DraftPolicyState state = seen(world, 2, 0, 10);
  int64_t plain = 0, longest = 0, probes = 0;
  for (int i = 0; i < 3000; ++i) {
    const int64_t k = decide_draft(state, kOptions, 8);
    longest = std::max(longest, plain);
    plain = k == 0 ? plain + 1 : 0;
    probes += k > 0 ? 1 : 0;
    state = observe(state, kOptions, {k, 0, 0.3 * static_cast<double>(k), world.step(k)});
  }
  EXPECT_EQ(longest, kOptions.rarest_probe);
  EXPECT_LE(probes, 18);
  EXPECT_GE(probes, 10);
}

// Plays `tokens` tokens; the time of plain steps divided by the policy's.
double speedup_in(const World& world, int64_t tokens, uint64_t seed,
                  DraftPolicyState state = start_policy(kOptions)) {
  Rng rng(seed);
  double seconds = 0;
  int64_t drawn = 0;
  while (drawn < tokens) {
    const int64_t k = decide_draft(state, kOptions, 8);
    int64_t kept = 0;
    while (kept < k && rng.uniform() < world.acceptance) ++kept;
    const double factor = 1 + world.noise * std::abs(double{rng.normal()});
    const DraftedStep step{k, kept, world.draft * static_cast<double>(k), world.step(k) * factor};
    seconds += step.draft_s + world.step(k);
    drawn += kept + 1;
    state = observe(std::move(state), kOptions, step);
  }
  return static_cast<double>(drawn) / seconds;
}

TEST(DraftPolicy, LosesLittleWhereNothingCanBeGuessed) {
  for (const double acceptance : {0.0, 0.05, 0.15}) {
    for (const World& world :
         {World{0, 0.1, acceptance}, World{0.4, 0.1, acceptance}, World{0.4, 0.3, acceptance},
          World{1.0, 0.5, acceptance, 0.1}, World{0, 0.05, acceptance, 0.2}}) {
      for (uint64_t seed = 1; seed <= 5; ++seed) {
        EXPECT_GT(speedup_in(world, 1000, seed), 0.96)
            << acceptance << " " << world.draft << " " << world.row;
      }
    }
  }
}

// The first run of a plan touches its memory for the first time.
TEST(DraftPolicy, IsNotMisledByAColdFirstStep) {
  DraftPolicyState state = observe(start_policy(kOptions), kOptions, {0, 0, 0, 5.0});
  EXPECT_GT(speedup_in({0.4, 0.4, 0.3}, 1000, 1, state), 0.95);
}

TEST(DraftPolicy, GainsMostOfWhatThereIs) {
  for (const World& world : {World{0, 0.1, 0.8}, World{0.1, 0.1, 0.8}, World{0.3, 0.05, 0.9},
                             World{0, 0.2, 0.5, 0.2}, World{0.05, 0.02, 0.95, 0.1}}) {
    double best = 1;
    for (int64_t k = 1; k <= 8; ++k) {
      const auto n = static_cast<double>(k);
      const double tokens = (1 - std::pow(world.acceptance, n + 1)) / (1 - world.acceptance);
      best = std::max(best, tokens / (world.step(k) + world.draft * n));
    }
    double mean = 0;
    for (uint64_t seed = 1; seed <= 5; ++seed) mean += speedup_in(world, 2000, seed) / 5;
    EXPECT_GT(mean, 1 + 0.8 * (best - 1)) << world.draft << " " << world.acceptance;
  }
}

TEST(DraftPolicy, NoticesThatTheTextHasBecomePredictable) {
  World world{0.2, 0.1, 0};
  DraftPolicyState state = seen(world, 2, 0, 10);
  state.probe_after = kOptions.rarest_probe;
  world.acceptance = 0.95;
  EXPECT_GT(speedup_in(world, 2000, 1, state), 1.5);
}

// The j-th likeliest node is drawn with a probability of its own.
struct TreeWorld {
  double draft, row;
  std::vector<double> drawn;

  double best() const {
    double best = 1, tokens = 1;
    for (size_t k = 1; k <= drawn.size(); ++k) {
      tokens += drawn[k - 1];
      best = std::max(best, tokens / (1 + (draft + row) * static_cast<double>(k)));
    }
    return best;
  }
};

double tree_speedup_in(const TreeWorld& world, int64_t tokens, uint64_t seed) {
  DraftPolicyOptions options;
  options.is_tree = true;
  DraftPolicyState state = start_policy(options);
  Rng rng(seed);
  double seconds = 0;
  int64_t answered = 0;
  while (answered < tokens) {
    const int64_t k = decide_draft(state, options, 8);
    std::vector<bool> drawn;
    for (int64_t j = 0; j < k; ++j)
      drawn.push_back(rng.uniform() < world.drawn[static_cast<size_t>(j)]);
    // Wide trees take few runs of what drafts, deep ones many.
    const double draft_s = 2 * rng.uniform() * world.draft * static_cast<double>(k);
    const double step_s = 1 + world.row * static_cast<double>(k);
    seconds += draft_s + step_s;
    answered += 1 + std::ranges::count(drawn, true);
    state = observe_tree(std::move(state), options, drawn, false, draft_s, step_s);
  }
  return static_cast<double>(answered) / seconds;
}

TEST(DraftPolicy, TakesTheNodesOfATreeThatPay) {
  const std::vector<double> even(8, 0.3), steep = {0.8, 0.6, 0.1, 0.05, 0.05, 0.02, 0.01, 0.01};
  for (const TreeWorld& world : {TreeWorld{0, 0.05, even}, TreeWorld{0.05, 0.1, steep},
                                 TreeWorld{0, 0.2, steep}, TreeWorld{0, 0.02, steep}}) {
    double mean = 0;
    for (uint64_t seed = 1; seed <= 5; ++seed) mean += tree_speedup_in(world, 2000, seed) / 5;
    EXPECT_GT(mean, 1 + 0.75 * (world.best() - 1)) << world.best();
  }
}

TEST(DraftPolicy, LosesLittleWhereATreeIsInVain) {
  for (const double drawn : {0.0, 0.05}) {
    for (const double row : {0.1, 0.3, 1.0}) {
      for (const double draft : {0.1, 0.5}) {
        const TreeWorld world{draft, row, std::vector<double>(8, drawn)};
        for (uint64_t seed = 1; seed <= 5; ++seed) {
          EXPECT_GT(tree_speedup_in(world, 1500, seed), 0.95) << drawn << " " << row;
        }
      }
    }
  }
}

TEST(DraftPolicy, AnotherSequenceKeepsTheTimesAlone) {
  const DraftPolicyState old = seen({0.2, 0.1}, 4, 0, 10);
  const DraftPolicyState fresh = fresh_sequence(old, kOptions);
  EXPECT_EQ(fresh.step_s, old.step_s);
  EXPECT_EQ(fresh.draft_s, old.draft_s);
  EXPECT_EQ(fresh.reached, start_policy(kOptions).reached);
}

}  // namespace
}  // namespace verge::serve
