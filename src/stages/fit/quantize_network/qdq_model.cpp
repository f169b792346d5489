#include <algorithm>
#include <cmath>
#include <set>

#include <verge/engine/nn/level_weights.hpp>
#include <verge/stages/fit/quantize_network/fold_norms.hpp>
#include <verge/stages/fit/quantize_network/qdq_model.hpp>

namespace verge::fit {
namespace {

using format::onnx::Attribute;
using format::onnx::AttributeKind;
using format::onnx::ElementType;
using format::onnx::ModelData;
using format::onnx::NodeData;
using format::onnx::TensorData;

template <typename T>
TensorData stored_values(std::string name, ElementType type, std::vector<int64_t> dims,
                         std::vector<T> values) {
  auto copy = std::make_shared<std::vector<T>>(std::move(values));
  TensorData tensor{.name = std::move(name), .type = type, .dims = std::move(dims)};
  tensor.bytes = std::as_bytes(std::span(*copy));
  tensor.owner = copy;
  return tensor;
}

class Writer {
 public:
  Writer(const ModelData& model, const Placement& placement,
         const std::map<std::string, LevelScale>& scales)
      : scales_(scales), made_(model), source_(model) {
    made_.graph.nodes.clear();
    for (const TensorData& tensor : model.graph.initializers) stored_[tensor.name] = &tensor;
    for (const QuantizedLayer& layer : placement.layers) layers_[layer.node] = &layer;
    for (const std::string& value : placement.values) values_.insert(value);
  }

  ModelData run() {
    for (const auto& input : source_.graph.inputs) add_pair(input.name);
    for (size_t i = 0; i < source_.graph.nodes.size(); ++i) {
      NodeData node = source_.graph.nodes[i];
      for (std::string& input : node.inputs) {
        if (values_.contains(input)) input += "/dequantized";
      }
      if (const auto layer = layers_.find(i); layer != layers_.end())
        add_weights(*layer->second, node);
      made_.graph.nodes.push_back(node);
      for (const std::string& output : source_.graph.nodes[i].outputs) add_pair(output);
    }
    drop_unread();
    made_.producer = "verge";
    return std::move(made_);
  }

 private:
  void add_node(std::string op, std::vector<std::string> inputs, std::string output,
                std::optional<int64_t> axis = {}) {
    NodeData node{.op_type = std::move(op), .inputs = std::move(inputs)};
    node.name = output + "_node";
    node.outputs = {std::move(output)};
    if (axis) {
      node.attributes.push_back(
          Attribute{.name = "axis", .kind = AttributeKind::Int, .integer = *axis});
    }
    made_.graph.nodes.push_back(std::move(node));
  }
  void add_tensor(TensorData tensor) { made_.graph.initializers.push_back(std::move(tensor)); }

  void add_pair(const std::string& value) {
    if (!values_.contains(value)) return;
    const LevelScale by = scales_.at(value);
    const std::string scale = value + "/scale", zero = value + "/zero_point";
    add_tensor(stored_values<float>(scale, ElementType::Float, {}, {by.scale}));
    add_tensor(
        stored_values<uint8_t>(zero, ElementType::Uint8, {}, {static_cast<uint8_t>(by.zero)}));
    add_node("QuantizeLinear", {value, scale, zero}, value + "/levels");
    add_node("DequantizeLinear", {value + "/levels", scale, zero}, value + "/dequantized");
  }

  void add_weights(const QuantizedLayer& layer, NodeData& node) {
    const float x_scale = scales_.at(layer.input).scale;
    const TensorData& weight = *stored_.at(layer.weight);
    std::vector<float> bias;
    if (!layer.bias.empty()) bias = floats_of(*stored_.at(layer.bias));
    if (bias.size() == 1) {  // of all channels
      bias.resize(static_cast<size_t>(weight.dims[static_cast<size_t>(layer.axis)]), bias[0]);
    }
    const std::string name = fmt::format("{}/weight{}", layer.name, layer.node);
    WeightLevels levels =
        weight_levels(floats_of(weight), weight.dims, layer.axis, {bias, x_scale});
    const auto out = static_cast<int64_t>(levels.scales.size());
    if (!bias.empty()) add_bias(name, bias, levels.scales, x_scale, node);
    add_tensor(
        stored_values(name + "/levels", ElementType::Int8, weight.dims, std::move(levels.levels)));
    add_tensor(stored_values(name + "/scale", ElementType::Float, {out}, std::move(levels.scales)));
    add_tensor(stored_values(name + "/zero_point", ElementType::Int8, {out},
                             std::vector<int8_t>(static_cast<size_t>(out))));
    add_node("DequantizeLinear", {name + "/levels", name + "/scale", name + "/zero_point"}, name,
             layer.axis);
    node.inputs[1] = name;
  }

  void add_bias(const std::string& name, const std::vector<float>& bias,
                const std::vector<float>& scales, float x_scale, NodeData& node) {
    std::vector<int32_t> levels(bias.size());
    std::vector<float> units(bias.size());
    for (size_t i = 0; i < bias.size(); ++i) {
      units[i] = scales[i % scales.size()] * x_scale;
      levels[i] = nn::bias_level(bias[i], double{units[i]});
    }
    const auto out = static_cast<int64_t>(bias.size());
    add_tensor(stored_values(name + "/bias_levels", ElementType::Int32, {out}, std::move(levels)));
    add_tensor(stored_values(name + "/bias_scale", ElementType::Float, {out}, std::move(units)));
    add_node("DequantizeLinear", {name + "/bias_levels", name + "/bias_scale"}, name + "/bias", 0);
    node.inputs[2] = name + "/bias";
  }

  void drop_unread() {
    std::set<std::string_view> read;
    for (const NodeData& node : made_.graph.nodes)
      read.insert(node.inputs.begin(), node.inputs.end());
    for (const auto& output : made_.graph.outputs) read.insert(output.name);
    std::erase_if(made_.graph.initializers,
                  [&](const TensorData& tensor) { return !read.contains(tensor.name); });
    std::erase_if(made_.graph.inputs, [&](const auto& input) {
      return stored_.contains(input.name) && !read.contains(input.name);
    });
  }

  const std::map<std::string, LevelScale>& scales_;
  ModelData made_;
  const ModelData& source_;
  std::map<std::string, const TensorData*> stored_;
  std::map<size_t, const QuantizedLayer*> layers_;
  std::set<std::string> values_;
};

}  // namespace

WeightLevels weight_levels(const std::vector<float>& values, const std::vector<int64_t>& dims,
                           int64_t axis, const LayerBias& bias) {
  const auto channels = static_cast<size_t>(dims[static_cast<size_t>(axis)]);
  size_t inner = 1;
  for (size_t i = static_cast<size_t>(axis) + 1; i < dims.size(); ++i) {
    inner *= static_cast<size_t>(dims[i]);
  }
  std::vector<float> largest(channels);
  for (size_t i = 0; i < values.size(); ++i) {
    float& most = largest[i / inner % channels];
    if (std::isfinite(values[i])) most = std::max(most, std::abs(values[i]));
  }
  WeightLevels made{std::vector<int8_t>(values.size()), std::vector<float>(channels)};
  for (size_t c = 0; c < channels; ++c) {
    const float own = bias.values.empty() ? 0 : bias.values[c % bias.values.size()];
    made.scales[c] = nn::symmetric_scale(largest[c], own, bias.x_scale);
  }
  double power = 0, noise = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const float scale = made.scales[i / inner % channels];
    made.levels[i] = nn::symmetric_level(values[i], scale);
    const double lost = values[i] - static_cast<double>(made.levels[i]) * scale;
    power += static_cast<double>(values[i]) * values[i];
    noise += lost * lost;
  }
  made.sqnr = noise > 0 ? 10 * std::log10(power / noise) : HUGE_VAL;
  return made;
}

ModelData qdq_model(const ModelData& model, const Placement& placement,
                    const std::map<std::string, LevelScale>& scales) {
  return Writer(model, placement, scales).run();
}

}  // namespace verge::fit
