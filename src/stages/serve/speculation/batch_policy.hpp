#pragma once
// BatchPolicy: how many tokens to draft for each of the sequences that run in one step. The same
// parts as draft_policy.hpp, and as pure; but what a row more costs depends on how many there are:
// a full batch computes all the time, and then a draft takes time from others.
//
// With n answers in the step, K drafts in all and the probability p of each to be kept, a step
// costs T_n(K) + r d, r being the rounds of drafting, and yields n + sum of p tokens. Drafts are
// taken in the order of p, for as many as make tokens a second the most (goodput: Liu et al. 2024,
// "Optimizing Speculative Decoding for Serving LLMs Using Goodput"); none where that is not a
// margin above n / T_n(0). T_n is measured for each n.
//
// A sequence whose drafts failed probes now and then, as alone. Where not even drafts that are all
// kept would pay nobody probes, but for one step in rarest_probe to see whether times have changed.

#include <map>
#include <span>
#include <vector>

#include <verge/stages/serve/speculation/draft_policy.hpp>

namespace verge::serve {

/// Of steps with one number of answers.
struct BatchCosts : DraftCosts {
  int64_t plain_seen = 0;   // steps without drafts, ever
  int64_t plain_steps = 0;  // since one with drafts
};

struct BatchPolicyState {
  std::map<int64_t, BatchCosts> costs = {};  // by answers in the step
  double reached = 0, kept = 0;              // drafts of all sequences, decayed
};

/// One sequence's part in a step.
struct SequenceDraft {
  DraftHistory* history;
  int64_t drafted = 0;
  int64_t kept = 0;
};

/// Knows of other sequences how often drafts are kept, and probes the later the less that is.
DraftHistory start_history(const BatchPolicyState& state, const DraftPolicyOptions& options);

/// Tokens to draft, one number for each history and at most most[i], together at most `room`.
std::vector<int64_t> decide_drafts(const BatchPolicyState& state, const DraftPolicyOptions& options,
                                   std::span<const DraftHistory* const> histories,
                                   std::span<const int64_t> most, int64_t room);

/// What became of drafts.
void observe_drafts(BatchPolicyState& state, const DraftPolicyOptions& options,
                    std::span<const SequenceDraft> sequences);
/// How long it took; of steps without prompts alone. draft_s negative: not of drafts alone.
void observe_times(BatchPolicyState& state, const DraftPolicyOptions& options,
                   std::span<const SequenceDraft> sequences, double draft_s, double step_s);

}  // namespace verge::serve
