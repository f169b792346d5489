#pragma once
// The stages of sampling, one function each. Sampler chains them; each is usable and tested alone.
// Candidates are the tokens still in play with their logits; a stage removes some of them or
// changes their logits, and never removes the most likely one. Order is free unless a stage says
// otherwise. Equal logits are ordered by token, the lower first, so that results never depend on a
// library's sort.

#include <cstdint>
#include <span>
#include <vector>

#include <verge/core/rng.hpp>

namespace verge::text {

struct Candidate {
  int32_t token;
  float logit;
  bool operator==(const Candidate&) const = default;
};
using Candidates = std::vector<Candidate>;

/// How often a token stands in the penalty window.
struct TokenCount {
  int32_t token;
  int32_t count;
};

struct Penalties {
  float repetition = 1.0f;  // 1 is off; Keskar et al. 2019 (CTRL), section 4.1
  float frequency = 0.0f;   // subtracted once for each occurrence
  float presence = 0.0f;    // subtracted once if the token occurs at all
};

/// Index of the largest logit, the first of equals; -1 if logits are empty. NaN is not looked for.
int32_t argmax(std::span<const float> logits);

/// Index of the first NaN or +infinity, -1 if there is none. -infinity is a legal logit: a token
/// that cannot be drawn.
int64_t find_invalid(std::span<const float> logits);

/// Repetition divides positive logits and multiplies negative ones; frequency and presence
/// subtract.
void penalize(std::span<float> logits, std::span<const TokenCount> counts,
              const Penalties& penalties);

/// Sets the logit of every token whose bit is 0 to -infinity. Bit t of word t / 64 stands for token
/// t; tokens past the end of the mask are not allowed.
void keep_allowed(std::span<float> logits, std::span<const uint64_t> allowed);

/// The k largest logits, largest first; k = 0 keeps all in token order. Tokens at -infinity are
/// left out. Cost: one pass and O(log k) for each new entry.
Candidates top_k(std::span<const float> logits, size_t k);

/// Keeps the tokens whose surprise is nearest to the entropy until their probability reaches p.
/// Meister et al. 2023, Locally Typical Sampling. p = 1 keeps all.
void typical(Candidates& candidates, float p);

/// Keeps the fewest most likely tokens whose probability reaches p, largest first. p = 1 keeps all.
/// Holtzman et al. 2020, The Curious Case of Neural Text Degeneration.
void top_p(Candidates& candidates, float p);

/// Keeps tokens at least p times as likely as the most likely one; p = 0 keeps all.
/// Nguyen et al. 2024, Turning Up the Heat.
void min_p(Candidates& candidates, float p);

/// Divides the logits by temperature > 0.
void scale_by_temperature(Candidates& candidates, float temperature);

/// Keeps tokens whose surprise -log2(p) is at most mu. Basu et al. 2021, Mirostat, algorithm 2.
void keep_surprise_below(Candidates& candidates, float mu);

/// Softmax over the candidates, in their order; sums to 1.
std::vector<float> probabilities(const Candidates& candidates);

/// Draws an index of `probabilities`, which must not be empty, with 53 random bits.
size_t draw(std::span<const float> probabilities, Rng& rng);

}  // namespace verge::text
