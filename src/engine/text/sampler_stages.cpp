#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <verge/core/result.hpp>
#include <verge/engine/text/sampler_stages.hpp>

namespace verge::text {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

bool more_likely(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

float largest_logit(const Candidates& candidates) {
  float largest = kNever;
  for (const Candidate& candidate : candidates) largest = std::max(largest, candidate.logit);
  return largest;
}

/// Keeps the shortest prefix, in the order of `before`, whose probability reaches p. Only as much
/// of the order is built as the prefix needs: truncation usually keeps tens of 200 000 tokens.
template <typename Entry, typename Before, typename Probability>
void keep_prefix(std::vector<Entry>& entries, float p, Before before, Probability probability) {
  double reached = 0;
  size_t sorted = 0;
  for (size_t kept = 0; kept < entries.size(); ++kept) {
    if (kept == sorted) {
      const size_t next = std::min(entries.size(), sorted == 0 ? 128 : sorted * 8);
      const auto from = entries.begin() + sorted;
      std::nth_element(from, entries.begin() + (next - 1), entries.end(), before);
      std::sort(from, entries.begin() + next, before);
      sorted = next;
    }
    reached += probability(entries[kept]);
    if (reached >= p) return entries.resize(kept + 1);
  }
}

/// The normalizer of the softmax, relative to the largest logit.
double sum_of_exponentials(const Candidates& candidates, float largest) {
  double sum = 0;
  for (const Candidate& candidate : candidates) sum += std::exp(candidate.logit - largest);
  return sum;
}

}  // namespace

int32_t argmax(std::span<const float> logits) {
  // Lanes keep the loop free of branches, so that it runs at the speed of memory.
  constexpr size_t kLanes = 16;
  float lane[kLanes];
  std::fill_n(lane, kLanes, kNever);
  size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    for (size_t l = 0; l < kLanes; ++l) {
      lane[l] = logits[i + l] > lane[l] ? logits[i + l] : lane[l];
    }
  }
  float largest = *std::max_element(lane, lane + kLanes);
  for (; i < logits.size(); ++i) largest = std::max(largest, logits[i]);
  const auto found = std::find(logits.begin(), logits.end(), largest);
  return found == logits.end() ? -1 : static_cast<int32_t>(found - logits.begin());
}

int64_t find_invalid(std::span<const float> logits) {
  constexpr uint32_t kExponent = 0x7f800000;
  const auto invalid = [](float x) {
    const uint32_t bits = std::bit_cast<uint32_t>(x);
    return (bits & 0x7fffffff) > kExponent || bits == kExponent;
  };
  bool any = false;
  for (float logit : logits) any |= invalid(logit);
  if (!any) return -1;
  return std::find_if(logits.begin(), logits.end(), invalid) - logits.begin();
}

void penalize(std::span<float> logits, std::span<const TokenCount> counts,
              const Penalties& penalties) {
  for (const TokenCount& seen : counts) {
    float& logit = logits[seen.token];
    logit = logit > 0 ? logit / penalties.repetition : logit * penalties.repetition;
    logit -= static_cast<float>(seen.count) * penalties.frequency + penalties.presence;
  }
}

void keep_allowed(std::span<float> logits, std::span<const uint64_t> allowed) {
  for (size_t token = 0; token < logits.size(); ++token) {
    const size_t word = token / 64;
    if (word >= allowed.size() || !(allowed[word] >> (token % 64) & 1)) logits[token] = kNever;
  }
}

Candidates top_k(std::span<const float> logits, size_t k) {
  Candidates kept;
  const bool all = k == 0 || k >= logits.size();
  kept.reserve(all ? logits.size() : k);
  float threshold = kNever;  // the smallest kept logit once k are kept: the root of the heap
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] > threshold)) continue;
    const Candidate entry{static_cast<int32_t>(i), logits[i]};
    if (!all && kept.size() == k) {
      std::pop_heap(kept.begin(), kept.end(), more_likely);
      kept.back() = entry;
    } else {
      kept.push_back(entry);
    }
    if (all) continue;
    std::push_heap(kept.begin(), kept.end(), more_likely);
    if (kept.size() == k) threshold = kept.front().logit;
  }
  if (k != 0) std::sort(kept.begin(), kept.end(), more_likely);
  return kept;
}

void typical(Candidates& candidates, float p) {
  if (p >= 1 || candidates.size() < 2) return;
  const float largest = largest_logit(candidates);
  const double log_sum = std::log(sum_of_exponentials(candidates, largest)) + largest;
  double entropy = 0;
  for (const Candidate& candidate : candidates) {
    const double log_p = candidate.logit - log_sum;
    entropy -= std::exp(log_p) * log_p;
  }
  const auto distance = [&](const Candidate& candidate) {
    return std::abs(log_sum - candidate.logit - entropy);
  };
  const auto nearer = [&](const Candidate& a, const Candidate& b) {
    const double da = distance(a), db = distance(b);
    return da != db ? da < db : a.token < b.token;
  };
  keep_prefix(candidates, p, nearer,
              [&](const Candidate& candidate) { return std::exp(candidate.logit - log_sum); });
}

void top_p(Candidates& candidates, float p) {
  if (p >= 1 || candidates.size() < 2) return;
  const float largest = largest_logit(candidates);
  const double sum = sum_of_exponentials(candidates, largest);
  keep_prefix(candidates, p, more_likely, [&](const Candidate& candidate) {
    return std::exp(candidate.logit - largest) / sum;
  });
}

void min_p(Candidates& candidates, float p) {
  if (p <= 0) return;
  const float threshold = largest_logit(candidates) + std::log(p);
  std::erase_if(candidates, [&](const Candidate& c) { return c.logit < threshold; });
}

void scale_by_temperature(Candidates& candidates, float temperature) {
  for (Candidate& candidate : candidates) candidate.logit /= temperature;
}

void keep_surprise_below(Candidates& candidates, float mu) {
  const float largest = largest_logit(candidates);
  const double log_sum = std::log(sum_of_exponentials(candidates, largest)) + largest;
  const double threshold = std::min<double>(log_sum - mu * std::log(2.0), largest);
  std::erase_if(candidates, [&](const Candidate& c) { return c.logit < threshold; });
}

std::vector<float> probabilities(const Candidates& candidates) {
  const float largest = largest_logit(candidates);
  const double sum = sum_of_exponentials(candidates, largest);
  std::vector<float> out;
  out.reserve(candidates.size());
  for (const Candidate& candidate : candidates) {
    out.push_back(static_cast<float>(std::exp(candidate.logit - largest) / sum));
  }
  return out;
}

size_t draw(std::span<const float> probabilities, Rng& rng) {
  VERGE_CHECK(!probabilities.empty());
  const uint64_t high = rng.next() >> 5, low = rng.next() >> 6;  // 27 + 26 bits
  double left = static_cast<double>(high << 26 | low) * 0x1p-53;
  double total = 0;
  for (float p : probabilities) total += p;
  left *= total;
  size_t last = 0;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] <= 0) continue;
    last = i;
    left -= probabilities[i];
    if (left < 0) return i;
  }
  return last;
}

}  // namespace verge::text
