#pragma once
// BatchDrafts: speculation on the sequences of one model's batch: how many tokens each may bring
// into the next step, which they are, and what became of them.

#include <map>
#include <span>

#include <verge/core/clock.hpp>
#include <verge/stages/serve/scheduler/batch_item.hpp>
#include <verge/stages/serve/speculation/batch_policy.hpp>
#include <verge/stages/serve/speculation/draft_source.hpp>
#include <verge/stages/serve/speculation/verify.hpp>

namespace verge::serve {

struct BatchDraftOptions {
  DraftPolicyOptions policy = {};
  bool always = false;  // in every step, whatever that costs: for tests
};

/// The engine's thread.
class BatchDrafts {
 public:
  /// `make` null: no drafts. The decoder and the clock must outlive it.
  BatchDrafts(ProposerFactory make, BatchDraftOptions options, const runtime::Decoder& decoder,
              const Clock& clock)
      : make_(std::move(make)), options_(options), decoder_(decoder), clock_(clock) {}

  /// Says how many tokens each answer would bring into this step: Candidate::drafts.
  void decide(std::span<Candidate> candidates, const std::map<RequestId, Task*>& tasks);
  /// Drafts for the items that may. Whatever goes wrong, they have fewer or none.
  void make(std::span<BatchItem> items, const std::atomic<bool>* cancel);
  /// After a run and its draws, which took step_s together.
  void observe(std::span<const BatchItem> items, double step_s);

  int64_t draft_tokens() const { return draft_tokens_; }        // counter
  int64_t accepted_tokens() const { return accepted_tokens_; }  // counter

 private:
  ProposerFactory make_;
  BatchDraftOptions options_;
  const runtime::Decoder& decoder_;
  const Clock& clock_;
  BatchPolicyState policy_;
  double draft_s_ = 0;  // of the step at hand; negative where somebody had to catch up
  int64_t draft_tokens_ = 0;
  int64_t accepted_tokens_ = 0;
};

}  // namespace verge::serve
