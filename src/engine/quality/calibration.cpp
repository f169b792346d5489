#include <algorithm>
#include <array>
#include <cmath>

#include <verge/engine/quality/calibration.hpp>
#include <verge/engine/text/sampler_stages.hpp>

namespace verge::quality {
namespace {

constexpr int kBins = 15;
constexpr double kLeastInverse = 1 / 20.0, kMostInverse = 1 / 0.05;

std::span<const float> logits_row(std::span<const float> logits, int64_t vocab, size_t row) {
  return logits.subspan(row * static_cast<size_t>(vocab), static_cast<size_t>(vocab));
}

double largest_probability(std::span<const float> logits, double temperature) {
  return 1 / softmax_sums(logits, 1 / temperature, *std::ranges::max_element(logits)).sum;
}

struct LikelihoodAt {
  double nll = 0;
  double slope = 0;  // by 1 / temperature
  double curvature = 0;
};

LikelihoodAt likelihood_at(std::span<const float> logits, int64_t vocab,
                           std::span<const int32_t> targets, double inverse) {
  LikelihoodAt total;
  for (size_t row = 0; row < targets.size(); ++row) {
    const std::span<const float> z = logits_row(logits, vocab, row);
    const double largest = double{*std::ranges::max_element(z)};
    const SoftmaxSums sums = softmax_sums(z, inverse, largest);
    const double target = z[static_cast<size_t>(targets[row])] - largest;
    const double mean = sums.first / sums.sum;
    total.nll += std::log(sums.sum) - inverse * target;
    total.slope += mean - target;
    total.curvature += sums.second / sums.sum - mean * mean;
  }
  const auto rows = static_cast<double>(targets.size());
  return {total.nll / rows, total.slope / rows, total.curvature / rows};
}

// The slope grows with 1 / temperature: its root lies between `low` and `high`, which close in
// where Newton's step would leave them.
double best_inverse(std::span<const float> logits, int64_t vocab,
                    std::span<const int32_t> targets) {
  double low = kLeastInverse, high = kMostInverse, inverse = 1;
  for (int i = 0; i < 60 && high - low > 1e-9 * high; ++i) {
    const LikelihoodAt at = likelihood_at(logits, vocab, targets, inverse);
    (at.slope > 0 ? high : low) = inverse;
    const double newton = inverse - at.slope / at.curvature;
    const bool is_inside = newton > low && newton < high;
    const double next = is_inside ? newton : std::sqrt(low * high);
    if (std::abs(next - inverse) < 1e-9 * inverse) return next;
    inverse = next;
  }
  return inverse;
}

}  // namespace

SoftmaxSums softmax_sums(std::span<const float> logits, double inverse, double largest) {
  SoftmaxSums sums;
  for (const float logit : logits) {
    const double z = logit - largest;
    const double p = std::exp(inverse * z);
    if (p == 0) continue;  // also where z is -infinity
    sums.sum += p;
    sums.first += p * z;
    sums.second += p * z * z;
  }
  return sums;
}

Result<CalibrationFit> fit_temperature(std::span<const float> logits, int64_t vocab,
                                       std::span<const int32_t> targets) {
  VERGE_CHECK(logits.size() == targets.size() * static_cast<size_t>(vocab), logits.size(), vocab);
  if (targets.empty()) {
    return make_error(Code::InvalidArgument,
                      "no tokens to fit a temperature on; give more held-out text");
  }
  for (const int32_t target : targets) {
    if (target >= 0 && target < vocab) continue;
    return make_error(Code::InvalidArgument, "target {} is none of {} tokens", target, vocab);
  }
  const double inverse = best_inverse(logits, vocab, targets);
  CalibrationFit fit;
  fit.temperature = 1 / inverse;
  fit.nll_before = likelihood_at(logits, vocab, targets, 1).nll;
  fit.nll_after = likelihood_at(logits, vocab, targets, inverse).nll;
  fit.error_before = expected_calibration_error(logits, vocab, targets, 1);
  fit.error_after = expected_calibration_error(logits, vocab, targets, fit.temperature);
  return fit;
}

double expected_calibration_error(std::span<const float> logits, int64_t vocab,
                                  std::span<const int32_t> targets, double temperature) {
  struct Bin {
    double confidence = 0;
    double right = 0;
  };
  std::array<Bin, kBins> bins;
  for (size_t row = 0; row < targets.size(); ++row) {
    const std::span<const float> z = logits_row(logits, vocab, row);
    const double confidence = largest_probability(z, temperature);
    Bin& bin = bins[static_cast<size_t>(std::min(kBins - 1, static_cast<int>(confidence * kBins)))];
    bin.confidence += confidence;
    bin.right += text::argmax(z) == targets[row];
  }
  double error = 0;
  for (const Bin& bin : bins) error += std::abs(bin.right - bin.confidence);
  return targets.empty() ? 0 : error / static_cast<double>(targets.size());
}

}  // namespace verge::quality
