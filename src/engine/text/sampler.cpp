#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <verge/engine/text/sampler.hpp>
#include <verge/engine/text/token_bits.hpp>

namespace verge::text {
namespace {

struct Range {
  const char* field;
  double value;
  double least;
  double most;
  const char* legal;
};

// Written so that NaN fails.
bool within(const Range& range) {
  return range.value >= range.least && range.value <= range.most;
}

Status validate_bias(const LogitBias& entry, int32_t vocab_size) {
  if (entry.token < 0 || entry.token >= vocab_size) {
    return make_error(Code::InvalidArgument,
                      "sampler: logit_bias names token {}; tokens are 0 to {}", entry.token,
                      vocab_size - 1);
  }
  if (std::isnan(entry.bias) || entry.bias > std::numeric_limits<float>::max()) {
    return make_error(Code::InvalidArgument,
                      "sampler: logit_bias of token {} is {}; use a number or -infinity",
                      entry.token, entry.bias);
  }
  return {};
}

}  // namespace

Status validate(const SamplerOptions& options, int32_t vocab_size) {
  constexpr double kMost = std::numeric_limits<float>::max();
  constexpr double kTiny = std::numeric_limits<float>::min();
  const Range ranges[] = {
      {"temperature", options.temperature, 0, 100, "0 (greedy) to 100"},
      {"top_k", double(options.top_k), 0, kMost, "0 (off) or more"},
      {"typical_p", options.typical_p, kTiny, 1, "above 0 and at most 1 (off)"},
      {"top_p", options.top_p, kTiny, 1, "above 0 and at most 1 (off)"},
      {"min_p", options.min_p, 0, 1, "0 (off) to 1"},
      {"repetition_penalty", options.repetition_penalty, 0.01, 100, "0.01 to 100"},
      {"frequency_penalty", options.frequency_penalty, -100, 100, "-100 to 100"},
      {"presence_penalty", options.presence_penalty, -100, 100, "-100 to 100"},
      {"penalty_window", double(options.penalty_window), -1, kMost, "-1 (all), 0 (none) or more"},
      {"mirostat_tau", options.mirostat_tau, 0, 100, "0 (off) to 100"},
      {"mirostat_eta", options.mirostat_eta, kTiny, 1, "above 0 and at most 1"},
  };
  for (const Range& range : ranges) {
    if (within(range)) continue;
    return make_error(Code::InvalidArgument, "sampler: {} is {}; use {}", range.field, range.value,
                      range.legal);
  }
  for (const LogitBias& entry : options.logit_bias) {
    VERGE_RETURN_IF_ERROR(validate_bias(entry, vocab_size));
  }
  return {};
}

Result<Sampler> Sampler::create(SamplerOptions options, int32_t vocab_size) {
  if (vocab_size <= 0) {
    return make_error(Code::InvalidArgument, "sampler: vocab_size is {}; use 1 or more",
                      vocab_size);
  }
  VERGE_RETURN_IF_ERROR(validate(options, vocab_size));
  return Sampler(std::move(options), vocab_size);
}

Sampler::Sampler(SamplerOptions options, int32_t vocab_size)
    : options_(std::move(options)),
      vocab_size_(vocab_size),
      rng_(options_.seed),
      mirostat_mu_(2 * options_.mirostat_tau) {}

bool Sampler::penalizes() const {
  return options_.repetition_penalty != 1 || options_.frequency_penalty != 0 ||
         options_.presence_penalty != 0;
}

Status Sampler::check(std::span<const float> logits) const {
  if (logits.size() != static_cast<size_t>(vocab_size_)) {
    return make_error(Code::InvalidArgument, "sampler: {} logits for a vocabulary of {} tokens",
                      logits.size(), vocab_size_);
  }
  if (const int64_t bad = find_invalid(logits); bad >= 0) {
    return make_error(Code::Malformed,
                      "sampler: the logit of token {} is {}; the model's weights or activations "
                      "overflowed",
                      bad, logits[bad]);
  }
  return {};
}

/// Bias, penalties and mask; the caller's logits themselves when there is nothing to change.
Result<Sampler::Adjusted> Sampler::adjust(std::span<const float> logits,
                                          std::span<const uint64_t> allowed) {
  VERGE_RETURN_IF_ERROR(check(logits));
  if (!options_.logit_bias.empty() || !counts_.empty() || !allowed.empty()) {
    adjusted_.assign(logits.begin(), logits.end());
    for (const LogitBias& entry : options_.logit_bias) adjusted_[entry.token] += entry.bias;
    penalize(adjusted_, counts_,
             {options_.repetition_penalty, options_.frequency_penalty, options_.presence_penalty});
    if (!allowed.empty()) keep_allowed(adjusted_, allowed);
    logits = adjusted_;
  }
  const int32_t best = argmax(logits);
  if (!(logits[best] > -std::numeric_limits<float>::infinity())) {
    return make_error(Code::InvalidArgument,
                      "sampler: every token is forbidden by the mask, the bias or the logits");
  }
  return Adjusted{logits, best};
}

Candidates Sampler::truncate(std::span<const float> logits) const {
  if (options_.mirostat_tau > 0) {
    Candidates candidates = top_k(logits, 0);
    scale_by_temperature(candidates, options_.temperature);
    keep_surprise_below(candidates, mirostat_mu_);
    return candidates;
  }
  Candidates candidates = top_k(logits, options_.top_k);
  typical(candidates, options_.typical_p);
  top_p(candidates, options_.top_p);
  min_p(candidates, options_.min_p);
  scale_by_temperature(candidates, options_.temperature);
  return candidates;
}

// Mirostat's feedback from the token that was drawn.
void Sampler::follow_surprise(float probability) {
  if (options_.mirostat_tau == 0) return;
  const float surprise = -std::log2(probability);
  mirostat_mu_ -= options_.mirostat_eta * (surprise - options_.mirostat_tau);
}

int32_t Sampler::draw_token(const Candidates& candidates) {
  const std::vector<float> p = probabilities(candidates);
  const size_t drawn = draw(p, rng_);
  follow_surprise(p[drawn]);
  return candidates[drawn].token;
}

Result<int32_t> Sampler::sample(std::span<const float> logits, std::span<const uint64_t> allowed) {
  VERGE_TRY(const Adjusted adjusted, adjust(logits, allowed));
  if (options_.temperature == 0) return adjusted.best;
  return draw_token(truncate(adjusted.logits));
}

Result<std::span<const uint64_t>> Sampler::mask_of(TokenConstraint* constraint) {
  if (constraint == nullptr) return std::span<const uint64_t>();
  mask_.resize(token_words(vocab_size_));
  constraint->mask(mask_);
  if (std::ranges::all_of(mask_, [](uint64_t word) { return word == 0; })) {
    return make_error(Code::Unsupported, "sampler: {} allows no token of this vocabulary here",
                      constraint->describe());
  }
  return std::span<const uint64_t>(mask_);
}

Result<int32_t> Sampler::sample(std::span<const float> logits, TokenConstraint* constraint) {
  VERGE_TRY(const std::span<const uint64_t> allowed, mask_of(constraint));
  return sample(logits, allowed);
}

Result<int32_t> Sampler::sample(std::span<const float> logits, TokenConstraint* constraint,
                                const DraftedToken& drafted) {
  VERGE_TRY(const Distribution from, distribution(logits, constraint));
  const int32_t token = draw_given(from, drafted.drawn_from, drafted.token, rng_);
  follow_surprise(probability_of(from, token));
  return token;
}

Result<Distribution> Sampler::distribution(std::span<const float> logits,
                                           TokenConstraint* constraint) {
  VERGE_TRY(const std::span<const uint64_t> allowed, mask_of(constraint));
  VERGE_TRY(const Adjusted adjusted, adjust(logits, allowed));
  if (options_.temperature == 0) return Distribution{{adjusted.best, 1}};
  const Candidates candidates = truncate(adjusted.logits);
  const std::vector<float> p = probabilities(candidates);
  Distribution result;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] > 0) result.push_back({candidates[i].token, p[i]});
  }
  return result;
}

void Sampler::accept(int32_t token) {
  if (token < 0 || token >= vocab_size_ || options_.penalty_window == 0 || !penalizes()) return;
  window_.push_back(token);
  const auto [place, is_new] = places_.try_emplace(token, counts_.size());
  if (is_new) counts_.push_back({token, 0});
  ++counts_[place->second].count;
  const auto window = static_cast<size_t>(options_.penalty_window);
  if (options_.penalty_window < 0 || window_.size() <= window) return;
  uncount(window_.front());
  window_.pop_front();
}

void Sampler::uncount(int32_t token) {
  const auto found = places_.find(token);
  const size_t place = found->second;
  if (--counts_[place].count > 0) return;
  counts_[place] = counts_.back();
  places_[counts_[place].token] = place;
  counts_.pop_back();
  places_.erase(token);
}

SamplerState Sampler::state() const {
  return {rng_.position(), mirostat_mu_, {window_.begin(), window_.end()}};
}

void Sampler::restore(const SamplerState& state) {
  rng_.seek(state.rng_position);
  mirostat_mu_ = state.mirostat_mu;
  window_.clear();
  counts_.clear();
  places_.clear();
  for (int32_t token : state.window) accept(token);
}

void Sampler::reset() {
  restore({0, 2 * options_.mirostat_tau, {}});
}

}  // namespace verge::text
