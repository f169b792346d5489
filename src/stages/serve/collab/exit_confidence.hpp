#pragma once
// How sure an early exit is of its token, and the temperature that makes it say so truly
// (Guo et al. 2017, "On calibration of modern neural networks").

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <verge/core/result.hpp>

namespace verge::serve {

/// All within [0, 1], of p = softmax(logits / temperature): the largest probability; the largest
/// less the second largest; 1 - entropy / log(vocab).
enum class ConfidenceMeasure { MaxProbability, Margin, Entropy };
std::string_view name(ConfidenceMeasure measure);
std::optional<ConfidenceMeasure> confidence_measure(std::string_view name);

/// logits [vocab], finite but for -infinity; temperature > 0.
double exit_confidence(std::span<const float> logits, double temperature,
                       ConfidenceMeasure measure = ConfidenceMeasure::MaxProbability);

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
Result<CalibrationFit> fit_exit_temperature(std::span<const float> logits, int64_t vocab,
                                            std::span<const int32_t> targets);

/// Sum over 15 equal bins of the largest probability of (rows in it / rows) |share of rows whose
/// likeliest token is the target - mean of the largest probability|. Guo et al. 2017, equation 3.
double expected_calibration_error(std::span<const float> logits, int64_t vocab,
                                  std::span<const int32_t> targets, double temperature);

}  // namespace verge::serve
