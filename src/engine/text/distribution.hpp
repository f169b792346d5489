#pragma once
// Distribution: what a sampler draws from, and how a token that was drafted from another
// distribution becomes a draw from this one.

#include <cstdint>
#include <vector>

#include <verge/core/rng.hpp>

namespace verge::text {

struct TokenProbability {
  int32_t token;
  float probability;
  bool operator==(const TokenProbability&) const = default;
};

/// Tokens of positive probability, each once; they sum to 1.
using Distribution = std::vector<TokenProbability>;

/// 0 for a token that it does not list.
float probability_of(const Distribution& distribution, int32_t token);

/// Draws a token of a distribution that is not empty, with 53 random bits.
int32_t draw(const Distribution& distribution, Rng& rng);

/// A draw from `p`, made of `drafted`, which was drawn from `q`: kept with probability min(1, p/q),
/// else replaced by a draw from the positive part of p - q. Leviathan et al. 2023, section 2.3;
/// Chen et al. 2023, theorem 1. It is kept with probability sum(min(p, q)), the most there can be.
int32_t draw_given(const Distribution& p, const Distribution& q, int32_t drafted, Rng& rng);

}  // namespace verge::text
