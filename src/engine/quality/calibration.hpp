#pragma once
// Whether a model is as sure of its tokens as it is right, and the temperature that makes it so
// (Guo et al. 2017, "On calibration of modern neural networks").

#include <cstdint>
#include <span>

#include <verge/core/result.hpp>

namespace verge::quality {

/// Sums over the vocabulary of exp(inverse * (z - largest)), and of that times z - largest and its
/// square: all that likelihoods, their derivatives and entropies need. Logits may be -infinity.
struct SoftmaxSums {
  double sum = 0;
  double first = 0;
  double second = 0;
};
SoftmaxSums softmax_sums(std::span<const float> logits, double inverse, double largest);

struct CalibrationFit {
  double temperature = 1;
  double nll_before = 0;  // nats a token, at temperature 1
  double nll_after = 0;
  double error_before = 0;  // expected calibration error, below
  double error_after = 0;
};

/// The temperature within [0.05, 20] of the least negative log-likelihood of `targets` [rows] under
/// logits [rows, vocab], which should be held-out text: Newton's method for 1 / temperature, in
/// which it is convex. Fails with InvalidArgument for no rows, or a target that is no token.
Result<CalibrationFit> fit_temperature(std::span<const float> logits, int64_t vocab,
                                       std::span<const int32_t> targets);

/// Sum over 15 equal bins of the largest probability of (rows in it / rows) |share of rows whose
/// likeliest token is the target - mean of the largest probability|. Guo et al. 2017, equation 3.
double expected_calibration_error(std::span<const float> logits, int64_t vocab,
                                  std::span<const int32_t> targets, double temperature);

}  // namespace verge::quality
