#include <cmath>

#include <verge/core/result.hpp>
#include <verge/engine/text/logprobs.hpp>
#include <verge/engine/text/sampler_stages.hpp>

namespace verge::text {

double log_sum_exp(std::span<const float> logits) {
  const int32_t best = argmax(logits);
  if (best < 0 || std::isinf(logits[best])) return -INFINITY;
  double sum = 0;
  for (float logit : logits) sum += std::exp(logit - logits[best]);
  return logits[best] + std::log(sum);
}

float token_logprob(std::span<const float> logits, int32_t token) {
  VERGE_CHECK(token >= 0 && static_cast<size_t>(token) < logits.size(), token, logits.size());
  return static_cast<float>(logits[token] - log_sum_exp(logits));
}

std::vector<TokenLogprob> top_logprobs(std::span<const float> logits, size_t k) {
  std::vector<TokenLogprob> top;
  if (k == 0) return top;
  const double normalizer = log_sum_exp(logits);
  for (const Candidate& candidate : top_k(logits, k)) {
    top.push_back({candidate.token, static_cast<float>(candidate.logit - normalizer)});
  }
  return top;
}

}  // namespace verge::text
