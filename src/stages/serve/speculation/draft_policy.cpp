#include <algorithm>

#include <verge/stages/serve/speculation/draft_policy.hpp>

namespace verge::serve {
namespace {

// Weights of a new time in its mean. Interruptions and cold caches only add to times, so a shorter
// one counts for more; a longer one counts at most as twice the mean.
constexpr double kShorter = 0.5;
constexpr double kLonger = 0.1;
// Plain steps at the beginning of a sequence: the very first ones run on cold caches.
constexpr int64_t kFirstPlain = 6;
// How many observations the acceptance over all depths is worth at a depth of its own.
constexpr double kShared = 2;

double mean_after(double mean, double now) {
  if (mean <= 0) return now;
  return now < mean ? mean + kShorter * (now - mean)
                    : mean + kLonger * (std::min(now, 2 * mean) - mean);
}

double sum(const std::vector<double>& values) {
  double total = 0;
  for (const double value : values) total += value;
  return total;
}

double acceptance(const DraftPolicyState& state, const DraftPolicyOptions& options, size_t depth) {
  const double overall = (sum(state.kept) + options.prior) / (sum(state.reached) + 1);
  return (state.kept[depth] + kShared * overall) / (state.reached[depth] + kShared);
}

// t(k): measured, or on the line through the nearest measured ones around it, or through t(0) and
// the last.
double step_seconds(const DraftPolicyState& state, const DraftPolicyOptions& options, int64_t k) {
  const std::vector<double>& t = state.step_s;
  const auto at = static_cast<size_t>(k);
  if (t[at] > 0) return t[at];
  size_t below = at, above = at;
  while (t[below] == 0) --below;  // t(0) is measured first
  while (above < t.size() && t[above] == 0) ++above;
  const auto steps = static_cast<double>(at - below);
  if (above < t.size())
    return t[below] + (t[above] - t[below]) * steps / static_cast<double>(above - below);
  const double row_s = below == 0 ? options.row_cost * t[0]
                                  : std::max((t[below] - t[0]) / static_cast<double>(below), 0.0);
  return t[below] + row_s * steps;
}

int64_t best_draft(const DraftPolicyState& state, const DraftPolicyOptions& options, int64_t most) {
  int64_t best = 1;
  double largest = 0;
  for (int64_t k = 1; k <= most; ++k) {
    const double speedup = expected_speedup(state, options, k);
    if (speedup > largest) best = k, largest = speedup;
  }
  return best;
}

}  // namespace

DraftPolicyState start_policy(const DraftPolicyOptions& options) {
  const auto depths = static_cast<size_t>(options.max_draft);
  DraftPolicyState state;
  state.reached.assign(depths, 0);
  state.kept.assign(depths, 0);
  state.step_s.assign(depths + 1, 0);
  state.probe_after = options.first_probe;
  return state;
}

DraftPolicyState fresh_sequence(const DraftPolicyState& state, const DraftPolicyOptions& options) {
  DraftPolicyState fresh = start_policy(options);
  fresh.step_s = state.step_s;
  fresh.draft_s = state.draft_s;
  return fresh;
}

double expected_speedup(const DraftPolicyState& state, const DraftPolicyOptions& options,
                        int64_t k) {
  double tokens = 1, reaches = 1;
  for (int64_t j = 0; j < k; ++j) {
    reaches *= acceptance(state, options, static_cast<size_t>(j));
    tokens += reaches;
  }
  const double seconds = step_seconds(state, options, k) + static_cast<double>(k) * state.draft_s;
  return tokens * state.step_s[0] / seconds;
}

int64_t decide_draft(const DraftPolicyState& state, const DraftPolicyOptions& options,
                     int64_t most) {
  most = std::min(most, options.max_draft);
  if (most <= 0 || state.step_s[0] == 0) return 0;
  if (sum(state.reached) == 0 && state.plain_steps < kFirstPlain) return 0;
  if (state.drafted_steps >= options.plain_every) return 0;
  const int64_t k = best_draft(state, options, most);
  if (expected_speedup(state, options, k) >= 1 + options.margin) return k;
  return state.plain_steps >= state.probe_after ? k : 0;
}

DraftPolicyState observe(DraftPolicyState state, const DraftPolicyOptions& options,
                         const DraftedStep& step) {
  double& known = state.step_s[static_cast<size_t>(step.drafted)];
  known = mean_after(known, step.step_s);
  if (step.drafted == 0) {
    ++state.plain_steps;
    state.drafted_steps = 0;
    return state;
  }
  const bool was_probe = state.plain_steps >= state.probe_after;
  state.draft_s = mean_after(state.draft_s, step.draft_s / static_cast<double>(step.drafted));
  for (double& count : state.reached) count *= options.memory;
  for (double& count : state.kept) count *= options.memory;
  for (int64_t j = 0; j < step.drafted && j <= step.kept; ++j) {
    const auto depth = static_cast<size_t>(j);
    state.reached[depth] += 1;
    state.kept[depth] += j < step.kept ? 1 : 0;
  }
  if (step.kept == step.drafted) {
    state.probe_after = std::max<int64_t>(state.probe_after / 4, 1);
  } else if (was_probe) {
    state.probe_after = std::min(state.probe_after * 2, options.rarest_probe);
  }
  state.plain_steps = 0;
  ++state.drafted_steps;
  return state;
}

}  // namespace verge::serve
