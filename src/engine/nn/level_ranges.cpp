#include <algorithm>
#include <cmath>

#include <verge/engine/nn/level_chains.hpp>
#include <verge/engine/nn/level_ranges.hpp>

namespace verge::nn {
namespace {

constexpr int kLeast = -128, kMost = 127;

}  // namespace

int nearest_level(double value, const LevelForm& form) {
  return static_cast<int>(
      std::clamp(std::nearbyint(value / form.scale) + form.zero, double{kLeast}, double{kMost}));
}

LevelForm level_form(const ValueRange& range) {
  const float low = std::min(range.low, 0.0f), high = std::max(range.high, 0.0f);
  const double step = (double{high} - double{low}) / (kMost - kLeast);
  const float scale = step > 1e-30 && std::isfinite(step) ? static_cast<float>(step) : 1.0f;
  const float zero = std::nearbyint(static_cast<float>(kLeast) - low / scale);
  return {scale, static_cast<int>(std::clamp(zero, float{kLeast}, float{kMost}))};
}

std::vector<std::string> ranged_values(const graph::Graph& graph, const std::string& images) {
  std::vector<std::string> names = {images};
  const LevelChains chains(graph);
  for (const graph::Node& node : graph.nodes) {
    if (!is_op(node, "conv2d") && !is_op(node, "add")) continue;
    names.push_back(graph.value(chains.from(node).result).name);
  }
  return names;
}

Status expect_ranges(const graph::Graph& graph, const std::string& images,
                     const ValueRanges& ranges) {
  for (const std::string& name : ranged_values(graph, images)) {
    const auto at = ranges.find(name);
    if (at == ranges.end()) {
      return make_error(Code::InvalidArgument, "no range of {}; calibrate the network anew", name);
    }
    const auto& [low, high] = at->second;
    if (std::isfinite(low) && std::isfinite(high) && low <= high) continue;
    return make_error(Code::InvalidArgument, "{} ranges from {} to {}; calibrate the network anew",
                      name, low, high);
  }
  return {};
}

}  // namespace verge::nn
