#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <verge/engine/quality/calibration.hpp>
#include <verge/stages/serve/collab/exit_confidence.hpp>

namespace verge::serve {
namespace {

constexpr std::array<std::string_view, 3> kMeasureNames = {"max", "margin", "entropy"};
constexpr double kNoLogit = -std::numeric_limits<double>::infinity();

struct TopTwo {
  double first = kNoLogit;
  double second = kNoLogit;
};

TopTwo top_two(std::span<const float> logits) {
  TopTwo top;
  for (const float logit : logits) {
    if (logit > top.first) {
      top = {logit, top.first};
    } else if (logit > top.second) {
      top.second = logit;
    }
  }
  return top;
}

}  // namespace

std::string_view name(ConfidenceMeasure measure) {
  return kMeasureNames[static_cast<size_t>(measure)];
}

std::optional<ConfidenceMeasure> confidence_measure(std::string_view name) {
  const auto found = std::ranges::find(kMeasureNames, name);
  if (found == kMeasureNames.end()) return std::nullopt;
  return static_cast<ConfidenceMeasure>(found - kMeasureNames.begin());
}

double exit_confidence(std::span<const float> logits, double temperature,
                       ConfidenceMeasure measure) {
  VERGE_CHECK(logits.size() > 1 && temperature > 0, logits.size(), temperature);
  const double inverse = 1 / temperature;
  const TopTwo top = top_two(logits);
  const quality::SoftmaxSums sums = quality::softmax_sums(logits, inverse, top.first);
  const double largest = 1 / sums.sum;
  switch (measure) {
    case ConfidenceMeasure::MaxProbability:
      return largest;
    case ConfidenceMeasure::Margin:
      return largest - std::exp(inverse * (top.second - top.first)) / sums.sum;
    case ConfidenceMeasure::Entropy:
      break;
  }
  const double entropy = std::log(sums.sum) - inverse * sums.first / sums.sum;
  return std::clamp(1 - entropy / std::log(static_cast<double>(logits.size())), 0.0, 1.0);
}

}  // namespace verge::serve
