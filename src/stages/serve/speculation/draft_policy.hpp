#pragma once
// DraftPolicy: how many tokens to draft for one sequence. Pure functions over an explicit state:
// measured times and acceptances in, a number of tokens out; the same observations give the same
// decisions. batch_policy.hpp decides for the sequences of one step together, from the same parts.
//
// A step that drafts k tokens costs t(k) + k d, d being the price of a drafted token, and yields
// one token and those drafts that are kept: with a probability a_j of keeping the j-th after the
// ones before it, 1 + a_1 + a_1 a_2 + ... tokens. A plain step costs t(0) and yields one. Their
// quotient is the expected speed-up (Leviathan et al. 2023, section 3.3, where all a_j are alike);
// the policy takes the k where it is largest, and none where it is below 1 and a margin. Then it
// drafts again now and then to see whether that has changed, less often each time it has not.

#include <cstdint>
#include <vector>

namespace verge::serve {

struct DraftPolicyOptions {
  int64_t max_draft = 8;
  double margin = 0.03;     // the gain below which drafting is not worth its risk
  double memory = 0.85;     // weight of what was known after another drafted step
  double prior = 0.5;       // acceptance before anything is known
  bool is_tree = false;     // drafts are the nodes of a tree: see observe_tree
  double row_cost = 0.15;   // of t(0), a drafted token's part of t(k) before that is known
  int64_t first_probe = 8;  // plain steps before the first probe
  int64_t rarest_probe = 256;
  int64_t plain_every = 16;  // drafted steps after which t(0) is measured again
};

/// How the drafts of one sequence fared.
struct DraftHistory {
  std::vector<double> reached;  // [j]: decayed count of drafts that reached depth j
  std::vector<double> kept;     // [j]: and of those of them that were kept
  double prior = 0.5;           // acceptance before anything is known
  int64_t plain_steps = 0;      // since the last draft
  int64_t probe_after = 0;      // plain steps from one probe to the next
};

/// What steps cost.
struct DraftCosts {
  std::vector<double> step_s;  // [k]: a run with k drafted tokens; 0: not measured
  double draft_s = 0;          // a drafted token, or one of each sequence; 0: not measured
  int64_t drafted_steps = 0;   // since the last plain step
  int64_t trees = 0;           // seen, ever
};

/// All of the policy's memory. Copy the times to a new sequence of the same model by
/// fresh_sequence.
struct DraftPolicyState : DraftHistory, DraftCosts {};

/// What one step did.
struct DraftedStep {
  int64_t drafted = 0;
  int64_t kept = 0;
  double draft_s = 0;  // making the draft
  double step_s = 0;   // running the model on it
};

DraftPolicyState start_policy(const DraftPolicyOptions& options);
/// Knows the times of `state`, and nothing of its text.
DraftPolicyState fresh_sequence(const DraftPolicyState& state, const DraftPolicyOptions& options);

/// Expected speed-up of drafting k tokens over a plain step; 1 for k = 0.
double expected_speedup(const DraftPolicyState& state, const DraftPolicyOptions& options,
                        int64_t k);

/// Tokens to draft in the next step, at most `most`. The first step of all is plain.
int64_t decide_draft(const DraftPolicyState& state, const DraftPolicyOptions& options,
                     int64_t most);

/// The state after a step.
DraftPolicyState observe(DraftPolicyState state, const DraftPolicyOptions& options,
                         const DraftedStep& step);

/// The same for a tree: drawn[j] says whether its j-th likeliest node was drawn, which, with
/// options.is_tree, a_j is the probability of; is_whole whether a path was drawn to its end.
DraftPolicyState observe_tree(DraftPolicyState state, const DraftPolicyOptions& options,
                              const std::vector<bool>& drawn, bool is_whole, double draft_s,
                              double step_s);

// The parts, for one sequence and for many.

DraftHistory start_history(const DraftPolicyOptions& options);
/// Probability that the draft at this depth is kept if the ones before it are.
double acceptance(const DraftHistory& history, size_t depth);
/// t(k): measured, or on the line through the nearest measured ones around it, or through t(0) and
/// the last; row_cost, of t(0), before anything but t(0) is known. t(0) must be.
double step_seconds(const DraftCosts& costs, double row_cost, int64_t k);
void observe(DraftHistory& history, const DraftPolicyOptions& options, int64_t drafted,
             int64_t kept);
/// A run of step_s with k drafted tokens, made in so many `rounds` that took draft_s, negative if
/// that is unknown.
void observe(DraftCosts& costs, int64_t k, int64_t rounds, double draft_s, double step_s);

}  // namespace verge::serve
