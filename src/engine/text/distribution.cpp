#include <algorithm>

#include <verge/core/result.hpp>
#include <verge/engine/text/distribution.hpp>
#include <verge/engine/text/sampler_stages.hpp>

namespace verge::text {
namespace {

// Not normalised. Without truncation both list the whole vocabulary, so they are not searched.
Distribution positive_difference(const Distribution& p, Distribution q) {
  std::ranges::sort(q, {}, &TokenProbability::token);
  Distribution rest;
  for (const TokenProbability& entry : p) {
    const auto at = std::ranges::lower_bound(q, entry.token, {}, &TokenProbability::token);
    const bool is_drafted = at != q.end() && at->token == entry.token;
    const float left = entry.probability - (is_drafted ? at->probability : 0);
    if (left > 0) rest.push_back({entry.token, left});
  }
  return rest;
}

}  // namespace

float probability_of(const Distribution& distribution, int32_t token) {
  const auto at = std::ranges::find(distribution, token, &TokenProbability::token);
  return at == distribution.end() ? 0 : at->probability;
}

int32_t draw(const Distribution& distribution, Rng& rng) {
  std::vector<float> probabilities;
  probabilities.reserve(distribution.size());
  for (const TokenProbability& entry : distribution) probabilities.push_back(entry.probability);
  return distribution[draw(probabilities, rng)].token;
}

int32_t draw_given(const Distribution& p, const Distribution& q, int32_t drafted, Rng& rng) {
  const float drafted_by = probability_of(q, drafted);
  VERGE_CHECK(drafted_by > 0, drafted);
  if (rng.uniform() * drafted_by < probability_of(p, drafted)) return drafted;
  const Distribution rest = positive_difference(p, q);
  return draw(rest.empty() ? p : rest, rng);  // empty by rounding alone: then p is q
}

}  // namespace verge::text
