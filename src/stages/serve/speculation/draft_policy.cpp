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
// Weight of a new time in the mean of a tree's node, once there are many.
constexpr double kTreeTime = 0.1;
// Weight of what was known of a node that a tree did not have.
constexpr double kUnseen = 0.98;
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

void decay(DraftHistory& history, size_t depth, double memory) {
  history.reached[depth] *= memory;
  history.kept[depth] *= memory;
}

// After drafts: when to probe if the next ones do not pay.
void set_probe(DraftHistory& history, const DraftPolicyOptions& options, bool is_whole) {
  const bool was_probe = 2 * history.plain_steps >= history.probe_after;  // or went along with one
  if (is_whole) {
    history.probe_after = std::max<int64_t>(history.probe_after / 4, 1);
  } else if (was_probe) {
    history.probe_after = std::min(history.probe_after * 2, options.rarest_probe);
  }
  history.plain_steps = 0;
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

DraftHistory start_history(const DraftPolicyOptions& options) {
  const auto depths = static_cast<size_t>(options.max_draft);
  return {.reached = std::vector<double>(depths),
          .kept = std::vector<double>(depths),
          .prior = options.prior,
          .probe_after = options.first_probe};
}

DraftPolicyState start_policy(const DraftPolicyOptions& options) {
  const auto times = static_cast<size_t>(options.max_draft) + 1;
  return {start_history(options), {.step_s = std::vector<double>(times)}};
}

DraftPolicyState fresh_sequence(const DraftPolicyState& state, const DraftPolicyOptions& options) {
  DraftPolicyState fresh = start_policy(options);
  fresh.step_s = state.step_s;
  fresh.draft_s = state.draft_s;
  fresh.trees = state.trees;
  return fresh;
}

double acceptance(const DraftHistory& history, size_t depth) {
  const double overall = (sum(history.kept) + history.prior) / (sum(history.reached) + 1);
  return (history.kept[depth] + kShared * overall) / (history.reached[depth] + kShared);
}

double step_seconds(const DraftCosts& costs, double row_cost, int64_t k) {
  const std::vector<double>& t = costs.step_s;
  const auto at = static_cast<size_t>(k);
  if (t[at] > 0) return t[at];
  size_t below = at, above = at;
  while (t[below] == 0) --below;  // t(0) is measured first
  while (above < t.size() && t[above] == 0) ++above;
  const auto steps = static_cast<double>(at - below);
  if (above < t.size())
    return t[below] + (t[above] - t[below]) * steps / static_cast<double>(above - below);
  const double row_s =
      below == 0 ? row_cost * t[0] : std::max((t[below] - t[0]) / static_cast<double>(below), 0.0);
  return t[below] + row_s * steps;
}

double expected_speedup(const DraftPolicyState& state, const DraftPolicyOptions& options,
                        int64_t k) {
  double tokens = 1, reaches = 1;
  for (int64_t j = 0; j < k; ++j) {
    const double kept = acceptance(state, static_cast<size_t>(j));
    reaches = options.is_tree ? kept : reaches * kept;
    tokens += reaches;
  }
  const double seconds =
      step_seconds(state, options.row_cost, k) + static_cast<double>(k) * state.draft_s;
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

void observe(DraftHistory& history, const DraftPolicyOptions& options, int64_t drafted,
             int64_t kept) {
  if (drafted == 0) {
    ++history.plain_steps;
    return;
  }
  for (size_t depth = 0; depth < history.reached.size(); ++depth) {
    decay(history, depth, options.memory);
  }
  for (int64_t j = 0; j < drafted && j <= kept; ++j) {
    const auto depth = static_cast<size_t>(j);
    history.reached[depth] += 1;
    history.kept[depth] += j < kept ? 1 : 0;
  }
  set_probe(history, options, kept == drafted);
}

void observe(DraftCosts& costs, int64_t k, int64_t rounds, double draft_s, double step_s) {
  double& known = costs.step_s[static_cast<size_t>(k)];
  known = mean_after(known, step_s);
  if (k == 0) {
    costs.drafted_steps = 0;
    return;
  }
  if (draft_s >= 0) {
    costs.draft_s = mean_after(costs.draft_s, draft_s / static_cast<double>(rounds));
  }
  ++costs.drafted_steps;
}

DraftPolicyState observe(DraftPolicyState state, const DraftPolicyOptions& options,
                         const DraftedStep& step) {
  observe(static_cast<DraftCosts&>(state), step.drafted, step.drafted, step.draft_s, step.step_s);
  observe(static_cast<DraftHistory&>(state), options, step.drafted, step.kept);
  return state;
}

DraftPolicyState observe_tree(DraftPolicyState state, const DraftPolicyOptions& options,
                              const std::vector<bool>& drawn, bool is_whole, double draft_s,
                              double step_s) {
  const auto nodes = static_cast<int64_t>(drawn.size());
  observe(static_cast<DraftCosts&>(state), nodes, nodes, -1, step_s);
  DraftHistory& history = state;
  if (nodes == 0) {
    ++history.plain_steps;
    return state;
  }
  // A node's price varies with the depth of its tree: shorter times tell no more than longer ones.
  const double node_s = draft_s / static_cast<double>(nodes);
  const double weight = std::max(kTreeTime, 1 / static_cast<double>(++state.trees));
  state.draft_s += weight * (node_s - state.draft_s);
  for (size_t j = 0; j < history.reached.size(); ++j) {
    decay(history, j, j < drawn.size() ? options.memory : kUnseen);
    if (j >= drawn.size()) continue;
    history.reached[j] += 1;
    history.kept[j] += drawn[j] ? 1 : 0;
  }
  set_probe(history, options, is_whole);
  return state;
}

}  // namespace verge::serve
