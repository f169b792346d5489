#include <algorithm>

#include <verge/stages/serve/speculation/speculative_state.hpp>

namespace verge::serve {
namespace {

void append(Piece& all, Piece piece) {
  all.text += piece.text;
  all.tokens.insert(all.tokens.end(), piece.tokens.begin(), piece.tokens.end());
  std::ranges::move(piece.logprobs, std::back_inserter(all.logprobs));
}

// Drafts that could be of use: the answer draws one token more than it has drafts.
int64_t room(const runtime::Sequence& sequence, const Answer& answer) {
  const runtime::Decoder& decoder = sequence.decoder();
  const int64_t in_context = decoder.context - sequence.length() - 1;
  const int64_t limit = answer.options().max_tokens;
  const auto drawn = static_cast<int64_t>(answer.tokens().size());
  return std::min(in_context, limit < 0 ? in_context : limit - drawn - 1);
}

}  // namespace

double SpeculationCounts::acceptance_rate() const {
  return draft_tokens > 0 ? static_cast<double>(accepted_tokens) / static_cast<double>(draft_tokens)
                          : 0;
}

double SpeculationCounts::speedup() const {
  return seconds > 0 && plain_step_s > 0
             ? static_cast<double>(answer_tokens) * plain_step_s / seconds
             : 1;
}

int64_t most_draft(const runtime::Decoder& decoder) {
  return std::max<int64_t>(
      std::min({decoder.min_chunk - 2, decoder.max_outputs - 1, decoder.max_tokens - 1}), 0);
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
  const int64_t most =
      std::min({most_draft(sequence.decoder()), room(sequence, answer), options_.policy.max_draft});
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

Result<Piece> SpeculativeState::draw(Answer& answer, std::span<const float> logits,
                                     size_t row) const {
  if (row >= draft_.drawn_from.size()) return answer.draw(logits);
  return answer.draw(logits, {draft_.tokens[row], draft_.drawn_from[row]});
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
  Verified verified{{}, length_ + 1};
  DraftedStep step{static_cast<int64_t>(draft_.tokens.size()), 0, draft_s_, step_s};
  for (size_t row = 0; row < rows.size(); ++row) {
    VERGE_TRY(Piece piece, draw(answer, rows[row], row));
    const bool is_drafted = row < draft_.tokens.size() && !piece.tokens.empty() &&
                            piece.tokens.back() == draft_.tokens[row];
    append(verified.piece, std::move(piece));
    step.kept += is_drafted ? 1 : 0;
    if (answer.reason() || !is_drafted) break;
    ++verified.length;
  }
  count(step, static_cast<int64_t>(verified.piece.tokens.size()));
  return verified;
}

}  // namespace verge::serve
