#pragma once
// Log-probabilities of the model's own distribution: softmax of the logits before bias, penalties,
// temperature and truncation, which is what HTTP clients mean by "logprobs".

#include <cstdint>
#include <span>
#include <vector>

namespace verge::text {

struct TokenLogprob {
  int32_t token;
  float logprob;  // natural logarithm
};

/// log(sum(exp(logits))); -infinity if all logits are.
double log_sum_exp(std::span<const float> logits);

/// Natural logarithm of the probability of `token`, which must be below logits.size().
float token_logprob(std::span<const float> logits, int32_t token);

/// The k most likely tokens, most likely first, the lower token first among equals.
/// Fewer if fewer tokens can occur.
std::vector<TokenLogprob> top_logprobs(std::span<const float> logits, size_t k);

}  // namespace verge::text
