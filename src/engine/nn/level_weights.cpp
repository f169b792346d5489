#include <algorithm>
#include <cmath>

#include <verge/engine/nn/level_weights.hpp>

namespace verge::nn {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Node;

constexpr float kMostLevel = 127;
constexpr float kLeastScale = 1e-30f;  // below, quotients by it are no numbers any more
constexpr double kMostBias = 1 << 30;

// Weight and bias of a convolution with its batch norm, in f32.
struct Folded {
  std::vector<float> weight, bias;
  std::string bias_name;
};

class Folding {
 public:
  Folding(const Graph& graph, const WeightValues& values) : graph_(graph), values_(values) {}

  Folded fold(const Node& conv, const Node* norm) const {
    Folded folded{.weight = values_(name(conv, 1)), .bias = {}, .bias_name = name(conv, 1)};
    const auto out = static_cast<size_t>(graph_.value(conv.inputs[1]).type.dims[0].factor);
    folded.bias.resize(out);
    folded.bias_name += ".bias";
    if (conv.inputs.size() > 2 && conv.inputs[2] != kNone) {
      folded.bias_name = name(conv, 2);
      folded.bias = values_(folded.bias_name);
    }
    if (norm == nullptr) return folded;
    const auto scale = values_(name(*norm, 1)), shift = values_(name(*norm, 2)),
               mean = values_(name(*norm, 3)), variance = values_(name(*norm, 4));
    const double eps = norm->attrs.real("eps", 1e-5);
    const size_t inner = folded.weight.size() / out;
    for (size_t o = 0; o < out; ++o) {
      const double factor = double{scale[o]} / std::sqrt(double{variance[o]} + eps);
      for (size_t i = 0; i < inner; ++i) {
        folded.weight[o * inner + i] = static_cast<float>(folded.weight[o * inner + i] * factor);
      }
      folded.bias[o] = static_cast<float>((folded.bias[o] - mean[o]) * factor + shift[o]);
    }
    folded.bias_name = name(*norm, 2);
    return folded;
  }

 private:
  const std::string& name(const Node& node, size_t input) const {
    return graph_.value(node.inputs[input]).name;
  }

  const Graph& graph_;
  const WeightValues& values_;
};

}  // namespace

float symmetric_scale(float most, float bias, float x_scale) {
  const double of_bias = std::abs(double{bias}) / (double{x_scale} * kMostBias);
  const double scale = std::max(double{most} / double{kMostLevel}, of_bias);
  return scale > double{kLeastScale} && scale < 1e30 ? static_cast<float>(scale) : 1.0f;
}

int8_t symmetric_level(float weight, float scale) {
  const float level = std::nearbyint(weight / scale);
  return static_cast<int8_t>(std::isnan(level) ? 0 : std::clamp(level, -kMostLevel, kMostLevel));
}

int32_t bias_level(float bias, double unit) {
  const double level = std::nearbyint(double{bias} / unit);
  return static_cast<int32_t>(std::isnan(level) ? 0 : std::clamp(level, -kMostBias, kMostBias));
}

Result<LayerLevels> layer_levels(const Graph& graph, const WeightValues& values, const Node& conv,
                                 const Node* norm, const LevelForm& x, const LevelForm& y) {
  const Folded folded = Folding(graph, values).fold(conv, norm);
  const std::string& name = graph.value(conv.inputs[1]).name;
  const Shape shape = graph.bound_shape(graph.value(conv.inputs[1]).type);
  LayerLevels layer{Tensor(DType::I8, shape),
                    Tensor(DType::I32, {shape[0]}),
                    Tensor(DType::F32, {shape[0]}),
                    {},
                    folded.bias_name};
  const size_t inner = folded.weight.size() / static_cast<size_t>(shape[0]);
  for (size_t o = 0; o < static_cast<size_t>(shape[0]); ++o) {
    const std::span<const float> channel(folded.weight.data() + o * inner, inner);
    float most = 0;
    for (const float w : channel) most = std::max(most, std::isnan(w) ? HUGE_VALF : std::abs(w));
    const float scale = symmetric_scale(most, folded.bias[o], x.scale);
    const double of_sum = double{x.scale} * double{scale};
    const auto multiplier = static_cast<float>(of_sum / double{y.scale});
    if (!std::isfinite(most) || !std::isfinite(folded.bias[o]) || !std::isfinite(multiplier)) {
      return make_error(Code::InvalidArgument,
                        "{}: channel {} with its norm has weights up to {} and the bias {}, too "
                        "large for levels; train the network anew, at a lower rate",
                        name, o, most, folded.bias[o]);
    }
    layer.scales.push_back(scale);
    for (size_t i = 0; i < inner; ++i) {
      layer.weight.span<int8_t>()[o * inner + i] = symmetric_level(channel[i], scale);
    }
    layer.bias.span<int32_t>()[o] = bias_level(folded.bias[o], of_sum);
    layer.multiplier.span<float>()[o] = multiplier;
  }
  return layer;
}

}  // namespace verge::nn
