#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include <verge/stages/fit/quantize_network/fold_norms.hpp>

namespace verge::fit {
namespace {

using format::onnx::Attribute;
using format::onnx::AttributeKind;
using format::onnx::ElementType;
using format::onnx::ModelData;
using format::onnx::NodeData;
using format::onnx::TensorData;

TensorData stored_integers(std::string name, const std::vector<int64_t>& values) {
  auto copy = std::make_shared<std::vector<int64_t>>(values);
  TensorData tensor{.name = std::move(name), .type = ElementType::Int64};
  tensor.dims = {static_cast<int64_t>(values.size())};
  tensor.bytes = std::as_bytes(std::span(*copy));
  tensor.owner = copy;
  return tensor;
}

void keep_constants(ModelData& model) {
  std::erase_if(model.graph.nodes, [&](const NodeData& node) {
    const Attribute* value = node.op_type == "Constant" ? node.find("value") : nullptr;
    if (value == nullptr || value->tensor == nullptr || node.outputs.size() != 1) return false;
    TensorData tensor = *value->tensor;
    tensor.name = node.outputs[0];
    model.graph.initializers.push_back(std::move(tensor));
    return true;
  });
}

// What was an attribute in older opsets and is an input since, in this order.
struct MovedAttributes {
  std::string_view op;
  int64_t since;
  std::vector<std::string_view> attributes;
};
const MovedAttributes kMoved[] = {{"Slice", 10, {"starts", "ends", "axes"}},
                                  {"Clip", 11, {"min", "max"}},
                                  {"Pad", 11, {"pads", "value"}},
                                  {"Squeeze", 13, {"axes"}},
                                  {"Unsqueeze", 13, {"axes"}},
                                  {"ReduceSum", 13, {"axes"}},
                                  {"Split", 13, {"split"}}};

void move_attributes(ModelData& model, NodeData& node, const MovedAttributes& moved) {
  for (const std::string_view name : moved.attributes) {
    const auto at = std::ranges::find(node.attributes, name, &Attribute::name);
    if (at == node.attributes.end()) {
      node.inputs.emplace_back();
      continue;
    }
    const std::string input = fmt::format("{}/{}", node.outputs[0], name);
    const bool is_real = at->kind == AttributeKind::Float;
    model.graph.initializers.push_back(
        is_real ? stored_floats(input, {}, {static_cast<float>(at->real)})
                : stored_integers(input, at->integers));
    node.inputs.push_back(input);
    node.attributes.erase(at);
  }
  while (!node.inputs.empty() && node.inputs.back().empty()) node.inputs.pop_back();
}

// Before opset 13 over all axes from {axis} on, 1 if not said: over the columns of a matrix.
std::vector<NodeData> softmax_of_matrix(const NodeData& node) {
  const Attribute* axis = node.find("axis");
  if (axis != nullptr && axis->integer == -1) return {node};
  const std::string& x = node.inputs[0];
  const std::string& y = node.outputs[0];
  const auto with = [&](std::string op, std::vector<std::string> inputs, std::string output) {
    NodeData made{.op_type = std::move(op)};
    made.name = output + "_node";
    made.inputs = std::move(inputs);
    made.outputs = {std::move(output)};
    return made;
  };
  NodeData matrix = with("Flatten", {x}, y + "/matrix"), rows = node;
  matrix.attributes = {Attribute{
      .name = "axis", .kind = AttributeKind::Int, .integer = axis == nullptr ? 1 : axis->integer}};
  rows.inputs = {y + "/matrix"};
  rows.outputs = {y + "/rows"};
  rows.attributes = {Attribute{.name = "axis", .kind = AttributeKind::Int, .integer = -1}};
  return {with("Shape", {x}, y + "/shape"), matrix, rows,
          with("Reshape", {y + "/rows", y + "/shape"}, y)};
}

Status raise_opset(ModelData& model) {
  if (model.opset >= 13) return {};
  std::vector<NodeData> nodes;
  for (NodeData& node : model.graph.nodes) {
    const std::string_view op = node.op_type;
    const bool is_lost = op == "Upsample" || (model.opset < 11 && (op == "Resize" || op == "TopK"));
    if (model.opset < 7 || is_lost) {
      return make_error(Code::Unsupported,
                        "the file is of opset {}, {} \"{}\" changed since; export the network with "
                        "opset 13 or later",
                        model.opset, op, node.name);
    }
    for (const MovedAttributes& moved : kMoved) {
      if (moved.op == op && model.opset < moved.since) move_attributes(model, node, moved);
    }
    if (op == "Softmax" || op == "LogSoftmax" || op == "Hardmax") {
      std::ranges::move(softmax_of_matrix(node), std::back_inserter(nodes));
    } else {
      nodes.push_back(std::move(node));
    }
  }
  model.graph.nodes = std::move(nodes);
  model.opset = 13;
  model.ir_version = std::max<int64_t>(model.ir_version, 7);
  return {};
}

class NormFolder {
 public:
  explicit NormFolder(ModelData& model) : model_(model) {
    for (size_t i = 0; i < model.graph.initializers.size(); ++i) {
      stored_[model.graph.initializers[i].name] = i;
    }
    for (const NodeData& node : model.graph.nodes) {
      for (const std::string& input : node.inputs) ++readers_[input];
    }
    for (const auto& output : model.graph.outputs) ++readers_[output.name];
  }

  void run() {
    std::map<std::string, size_t> convolutions;  // by output
    auto& nodes = model_.graph.nodes;
    std::vector<bool> removed(nodes.size());
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].op_type == "Conv" && nodes[i].outputs.size() == 1) {
        convolutions[nodes[i].outputs[0]] = i;
      }
      const bool is_norm = nodes[i].op_type == "BatchNormalization" && nodes[i].inputs.size() == 5;
      const auto conv = is_norm ? convolutions.find(nodes[i].inputs[0]) : convolutions.end();
      if (conv == convolutions.end()) continue;
      removed[i] = fold(nodes[conv->second], nodes[i]);
    }
    size_t i = 0;
    std::erase_if(nodes, [&](const NodeData&) { return removed[i++]; });
  }

 private:
  const TensorData* stored(const std::string& name) const {
    const auto found = stored_.find(name);
    return found == stored_.end() ? nullptr : &model_.graph.initializers[found->second];
  }
  std::vector<float> values(const std::string& name) const {
    const TensorData* tensor = stored(name);
    return tensor == nullptr ? std::vector<float>() : floats_of(*tensor);
  }

  bool fold(NodeData& conv, const NodeData& norm) {
    if (readers_[conv.outputs[0]] != 1 || conv.inputs.size() < 2) return false;
    const TensorData* weight = stored(conv.inputs[1]);
    if (weight == nullptr || weight->dims.empty()) return false;
    std::vector<float> w = floats_of(*weight);
    const auto out = static_cast<size_t>(weight->dims[0]);
    const bool has_bias = conv.inputs.size() > 2 && !conv.inputs[2].empty();
    std::vector<float> bias = has_bias ? values(conv.inputs[2]) : std::vector<float>(out);
    const std::vector<float> gain = values(norm.inputs[1]), offset = values(norm.inputs[2]);
    const std::vector<float> mean = values(norm.inputs[3]), variance = values(norm.inputs[4]);
    for (const size_t count :
         {bias.size(), gain.size(), offset.size(), mean.size(), variance.size()}) {
      if (count != out || w.empty()) return false;
    }
    const Attribute* epsilon = norm.find("epsilon");
    const double eps = epsilon == nullptr ? 1e-5 : epsilon->real;
    const size_t row = w.size() / out;
    for (size_t o = 0; o < out; ++o) {
      const double factor = gain[o] / std::sqrt(variance[o] + eps);
      for (size_t i = 0; i < row; ++i) w[o * row + i] = static_cast<float>(w[o * row + i] * factor);
      bias[o] = static_cast<float>((bias[o] - mean[o]) * factor + offset[o]);
    }
    const std::string name = conv.outputs[0];
    const std::vector<int64_t> dims = weight->dims;
    model_.graph.initializers.push_back(stored_floats(name + "/folded_weight", dims, w));
    model_.graph.initializers.push_back(
        stored_floats(name + "/folded_bias", {static_cast<int64_t>(out)}, bias));
    conv.inputs = {conv.inputs[0], name + "/folded_weight", name + "/folded_bias"};
    conv.outputs[0] = norm.outputs[0];
    return true;
  }

  ModelData& model_;
  std::map<std::string, size_t> stored_;
  std::map<std::string, int64_t> readers_;
};

}  // namespace

std::vector<float> floats_of(const TensorData& tensor) {
  std::vector<float> values;
  const auto count = static_cast<size_t>(tensor.count());
  if (tensor.type != ElementType::Float || tensor.bytes.size() != count * sizeof(float))
    return values;
  values.resize(count);
  if (count > 0) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

TensorData stored_floats(std::string name, std::vector<int64_t> dims,
                         const std::vector<float>& values) {
  auto copy = std::make_shared<std::vector<float>>(values);
  TensorData tensor{.name = std::move(name), .type = ElementType::Float, .dims = std::move(dims)};
  tensor.bytes = std::as_bytes(std::span(*copy));
  tensor.owner = copy;
  return tensor;
}

Status prepare_model(ModelData& model) {
  for (const NodeData& node : model.graph.nodes) {
    const auto is_branch = [](const Attribute& attribute) {
      return attribute.kind == AttributeKind::Graph || attribute.kind == AttributeKind::Other;
    };
    if (std::ranges::any_of(node.attributes, is_branch)) {
      return make_error(Code::Unsupported, "{} \"{}\": networks with branches stay floats",
                        node.op_type, node.name);
    }
    if (node.op_type == "QuantizeLinear" || node.op_type == "QLinearConv") {
      return make_error(Code::Unsupported, "the network is quantized already ({} \"{}\")",
                        node.op_type, node.name);
    }
  }
  keep_constants(model);
  VERGE_RETURN_IF_ERROR(raise_opset(model));
  NormFolder(model).run();
  return {};
}

}  // namespace verge::fit
