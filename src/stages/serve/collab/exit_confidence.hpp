#pragma once
// How sure an early exit is of its token.

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

}  // namespace verge::serve
