#pragma once
// SpeculativeState: speculation on one sequence, apart from who runs the model, so that the drafts
// of several sequences can go into one step.
//
//   VERGE_TRY(auto tokens, state.propose(sequence, answer, cancel));
//   run_step(decoder, {{{&sequence, tokens, outputs: tokens.size()}, ...}});
//   VERGE_TRY(Verified verified, state.verify(answer, rows, step_s));
//   sequence.truncate(verified.length);

#include <memory>
#include <optional>

#include <verge/core/clock.hpp>
#include <verge/stages/serve/speculation/draft_policy.hpp>
#include <verge/stages/serve/speculation/proposer.hpp>
#include <verge/stages/serve/speculation/verify.hpp>

namespace verge::serve {

struct SpeculationOptions {
  DraftPolicyOptions policy;
  DraftDraws draws = DraftDraws::Shared;
  bool always = false;  // drafts in every step, whatever that costs
};

struct SpeculationCounts {
  int64_t draft_tokens = 0;
  int64_t accepted_tokens = 0;
  int64_t answer_tokens = 0;  // drawn, accepted ones included
  double seconds = 0;         // of drafts and of runs
  double plain_step_s = 0;    // of a run without drafts, as measured last

  double acceptance_rate() const;
  /// Against running every token by itself; 1 before anything is known.
  double speedup() const;
};

struct Verified {
  Piece piece;
  int64_t length = 0;  // of the sequence: what it has beyond was guessed wrong
};

class SpeculativeState {
 public:
  /// The clock must outlive it.
  SpeculativeState(std::unique_ptr<Proposer> proposer, SpeculationOptions options,
                   const Clock& clock);

  /// Forgets the sequence, keeps the times: another answer begins.
  void reset();

  /// What to run next: the answer's newest token and drafted ones, at most as many as are exact
  /// (most_draft) and the policy allows. Valid until the next call. Fails with Cancelled.
  Result<std::span<const int32_t>> propose(runtime::Sequence& sequence, const Answer& answer,
                                           const std::atomic<bool>* cancel = nullptr);
  /// Leaves the newest token alone, where there is no room for more.
  std::span<const int32_t> drop_draft();
  /// Draws, after a run of step_s seconds: rows[i] are the logits after the i-th token. Fails as
  /// Answer::draw does.
  Result<Verified> verify(Answer& answer, std::span<const std::span<const float>> rows,
                          double step_s);

  const SpeculationCounts& counts() const { return counts_; }
  const Proposer& proposer() const { return *proposer_; }

 private:
  Result<Draft> make_draft(runtime::Sequence& sequence, const Answer& answer, int64_t count,
                           const std::atomic<bool>* cancel);
  void count(const DraftedStep& step, int64_t drawn);

  std::unique_ptr<Proposer> proposer_;
  SpeculationOptions options_;
  const Clock& clock_;
  DraftPolicyState policy_;
  std::optional<Rng> rng_;  // for DraftDraws::Own
  bool is_behind_ = true;   // the proposer, since the last step
  Draft draft_;
  std::vector<int32_t> tokens_;
  int64_t length_ = 0;  // of the sequence before the step
  double draft_s_ = 0;
  SpeculationCounts counts_;
};

}  // namespace verge::serve
