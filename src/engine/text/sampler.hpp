#pragma once
// Sampler: logits in, token out.
//
//   VERGE_TRY(Sampler sampler, Sampler::create({.temperature = 0.7f, .seed = 1}, vocab_size));
//   VERGE_TRY(int32_t token, sampler.sample(logits));
//   sampler.accept(token);
//
// The chain is the one llama.cpp's users know:
//   bias -> penalties -> allowed tokens -> top_k -> typical_p -> top_p -> min_p -> temperature ->
//   draw
// temperature 0 is greedy: the largest logit after bias, penalties and mask, with nothing drawn.
// Mirostat replaces top_k, typical_p, top_p and min_p, and truncates after the temperature.

#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/core/rng.hpp>
#include <verge/engine/text/distribution.hpp>
#include <verge/engine/text/sampler_stages.hpp>
#include <verge/engine/text/token_constraint.hpp>

namespace verge::text {

struct LogitBias {
  int32_t token;
  float bias;  // added to the logit; -infinity forbids the token
};

/// Defaults are llama.cpp's. Ranges are in validate's errors.
struct SamplerOptions {
  float temperature = 0.8f;  // 0: greedy
  int32_t top_k = 40;        // 0: off
  float typical_p = 1.0f;    // 1: off
  float top_p = 0.95f;       // 1: off
  float min_p = 0.05f;       // 0: off
  float repetition_penalty = 1.0f;
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;
  int32_t penalty_window = 64;  // the last tokens that count; 0: none, -1: all
  float mirostat_tau = 0.0f;    // target surprise in bits a token; 0: off
  float mirostat_eta = 0.1f;    // learning rate
  std::vector<LogitBias> logit_bias = {};
  uint64_t seed = 0;
};

/// InvalidArgument, naming the field and its legal range.
Status validate(const SamplerOptions& options, int32_t vocab_size);

/// Everything that changes from token to token: save it to go back, give it to another Sampler with
/// the same options to fork.
struct SamplerState {
  uint64_t rng_position = 0;
  float mirostat_mu = 0;
  std::vector<int32_t> window;  // oldest first
};

/// A token that something else guessed, and the distribution that it was drawn from.
struct DraftedToken {
  int32_t token;
  const Distribution& drawn_from;
};

/// One sequence; not shared between threads. Copying forks it. The same options, logits and
/// accepted tokens give the same tokens on every machine with the same exp().
class Sampler {
 public:
  static Result<Sampler> create(SamplerOptions options, int32_t vocab_size);

  /// The next token for logits [vocab_size]. `allowed`, unless empty, is a bit for each token
  /// (bit t of word t / 64). Malformed if a logit is NaN or +infinity, naming the token;
  /// InvalidArgument if the length is wrong or no token can be drawn. Does not call accept.
  Result<int32_t> sample(std::span<const float> logits, std::span<const uint64_t> allowed = {});

  /// The same, with the tokens that `constraint` allows; null allows all. A constraint that allows
  /// every token changes no bit of the result. Unsupported, naming the constraint, if it allows no
  /// token. Does not call its accept either.
  Result<int32_t> sample(std::span<const float> logits, TokenConstraint* constraint);

  /// The same distribution of draws, by draw_given: `drafted` if it is kept, else another token.
  /// Fails as the above.
  Result<int32_t> sample(std::span<const float> logits, TokenConstraint* constraint,
                         const DraftedToken& drafted);

  /// What sample() would draw from; draws nothing. Fails as sample does.
  Result<Distribution> distribution(std::span<const float> logits,
                                    TokenConstraint* constraint = nullptr);

  /// Puts a token into the penalty window: each one sampled, and the prompt's if they shall count.
  void accept(int32_t token);

  SamplerState state() const;
  void restore(const SamplerState& state);
  /// Back to the state after create.
  void reset();

  const SamplerOptions& options() const { return options_; }

 private:
  Sampler(SamplerOptions options, int32_t vocab_size);
  struct Adjusted {
    std::span<const float> logits;
    int32_t best;
  };

  bool penalizes() const;
  Status check(std::span<const float> logits) const;
  Result<std::span<const uint64_t>> mask_of(TokenConstraint* constraint);
  Result<Adjusted> adjust(std::span<const float> logits, std::span<const uint64_t> allowed);
  Candidates truncate(std::span<const float> logits) const;
  int32_t draw_token(const Candidates& candidates);
  void follow_surprise(float probability);
  void uncount(int32_t token);

  SamplerOptions options_;
  int32_t vocab_size_;
  Rng rng_;
  float mirostat_mu_;
  std::deque<int32_t> window_;
  std::vector<TokenCount> counts_;              // of the tokens in window_
  std::unordered_map<int32_t, size_t> places_;  // of tokens in counts_
  std::vector<float> adjusted_;
  std::vector<uint64_t> mask_;
};

}  // namespace verge::text
