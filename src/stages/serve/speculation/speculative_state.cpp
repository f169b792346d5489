#include <algorithm>

#include <verge/stages/serve/speculation/speculative_state.hpp>

namespace verge::serve {

double SpeculationCounts::acceptance_rate() const {
  return draft_tokens > 0 ? static_cast<double>(accepted_tokens) / static_cast<double>(draft_tokens)
                          : 0;
}

double SpeculationCounts::speedup() const {
  return seconds > 0 && plain_step_s > 0
             ? static_cast<double>(answer_tokens) * plain_step_s / seconds
             : 1;
}

SpeculativeState::SpeculativeState(std::unique_ptr<Proposer> proposer, SpeculationOptions options,
                                   const Clock& clock)
    : proposer_(std::move(proposer)),
      options_(options),
      clock_(clock),
      policy_(start_policy(options.policy)) {}

void SpeculativeState::reset() {
  proposer_->reset();
  policy_ = fresh_sequence(policy_, options_.policy);
  rng_.reset();
  is_behind_ = true;
}

Result<Draft> SpeculativeState::make_draft(runtime::Sequence& sequence, const Answer& answer,
                                           int64_t count, const std::atomic<bool>* cancel) {
  const double begin = clock_.seconds();
  if (is_behind_) VERGE_RETURN_IF_ERROR(proposer_->prepare(sequence, cancel));
  const double ready = clock_.seconds();
  counts_.seconds += ready - begin;
  if (!rng_) rng_.emplace(answer.options().sampling.seed, 1);  // not the sampler's stream
  DraftSampler sampler(answer, options_.draws, *rng_);
  const int32_t newest = answer.tokens().back();
  auto draft = proposer_->propose(sequence, newest, count, sampler, cancel);
  draft_s_ = clock_.seconds() - ready;
  return draft;
}

Result<std::span<const int32_t>> SpeculativeState::propose(runtime::Sequence& sequence,
                                                           const Answer& answer,
                                                           const std::atomic<bool>* cancel) {
  length_ = sequence.length();
  draft_ = {};
  draft_s_ = 0;
  tokens_ = {answer.tokens().back()};
  const runtime::Decoder& decoder = sequence.decoder();
  const int64_t most =
      std::min({most_draft(decoder), useful_drafts(answer, decoder.context - length_),
                options_.policy.max_draft});
  const int64_t wanted = options_.always ? most : decide_draft(policy_, options_.policy, most);
  if (wanted > 0) {
    VERGE_TRY(draft_, make_draft(sequence, answer, wanted, cancel));
  }
  is_behind_ = wanted <= 0;
  tokens_.insert(tokens_.end(), draft_.tokens.begin(), draft_.tokens.end());
  return std::span<const int32_t>(tokens_);
}

std::span<const int32_t> SpeculativeState::drop_draft() {
  draft_ = {};
  tokens_.resize(1);
  return tokens_;
}

void SpeculativeState::count(const DraftedStep& step, int64_t drawn) {
  policy_ = observe(std::move(policy_), options_.policy, step);
  counts_.draft_tokens += step.drafted;
  counts_.accepted_tokens += step.kept;
  counts_.answer_tokens += drawn;
  counts_.seconds += step.draft_s + step.step_s;
  counts_.plain_step_s = policy_.step_s[0];
}

Result<Verified> SpeculativeState::verify(Answer& answer,
                                          std::span<const std::span<const float>> rows,
                                          double step_s) {
  VERGE_CHECK(rows.size() == tokens_.size(), rows.size(), tokens_.size());
  VERGE_TRY(Drawn drawn, serve::verify(answer, draft_, rows));
  count({static_cast<int64_t>(draft_.tokens.size()), drawn.kept, draft_s_, step_s},
        static_cast<int64_t>(drawn.piece.tokens.size()));
  return Verified{std::move(drawn.piece), length_ + drawn.run};
}

}  // namespace verge::serve
