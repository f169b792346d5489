#include <algorithm>
#include <set>

#include <verge/core/nearest_names.hpp>
#include <verge/stages/fit/quantize_network/placement.hpp>

namespace verge::fit {
namespace {

using format::onnx::Attribute;
using format::onnx::ElementType;
using format::onnx::ModelData;
using format::onnx::NodeData;
using format::onnx::TensorData;

constexpr std::string_view kMoves[] = {"MaxPool", "Reshape",   "Flatten", "Transpose",
                                       "Squeeze", "Unsqueeze", "Slice",   "Gather"};
constexpr std::string_view kFunctions[] = {
    "Add",     "Sub",  "Mul",       "Div",       "Clip", "Relu", "HardSigmoid",
    "Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "Elu",  "Erf"};
constexpr std::string_view kMeans[] = {"AveragePool", "GlobalAveragePool"};

bool is_one_of(std::string_view op, std::span<const std::string_view> names) {
  return std::ranges::count(names, op) > 0;
}

int64_t integer(const NodeData& node, std::string_view name) {
  const Attribute* attribute = node.find(name);
  return attribute == nullptr ? 0 : attribute->integer;
}
double real(const NodeData& node, std::string_view name) {
  const Attribute* attribute = node.find(name);
  return attribute == nullptr ? 1 : attribute->real;
}

// Whose results are elements of its first input.
bool is_move(const NodeData& node) {
  const bool resizes = node.op_type == "Resize" || node.op_type == "Upsample";
  const Attribute* mode = node.find("mode");
  if (resizes) return mode == nullptr || mode->text == "nearest";
  return is_one_of(node.op_type, kMoves);
}

class Placer {
 public:
  explicit Placer(const ModelData& model) : model_(model) {
    for (const TensorData& tensor : model.graph.initializers) stored_[tensor.name] = &tensor;
    for (size_t i = 0; i < model.graph.nodes.size(); ++i) {
      for (const std::string& input : model.graph.nodes[i].inputs) readers_[input].push_back(i);
    }
    for (const auto& output : model.graph.outputs) outputs_.insert(output.name);
  }

  Result<Placement> run(const std::vector<std::string>& keep) {
    std::set<std::string> unused(keep.begin(), keep.end());
    const auto& nodes = model_.graph.nodes;
    for (size_t i = 0; i < nodes.size(); ++i) {
      auto layer = layer_of(i);
      if (!layer) continue;
      names_.push_back(layer->name);
      const bool is_kept = unused.erase(nodes[i].name) + unused.erase(nodes[i].outputs[0]) > 0 ||
                           std::ranges::count(keep, nodes[i].name) > 0;
      if (is_kept) continue;
      mark(layer->input);
      mark(tail(nodes[i].outputs[0]));
      placement_.layers.push_back(std::move(*layer));
    }
    if (!unused.empty()) {
      return make_error(Code::InvalidArgument, "--keep {}: no layer is named so; some are {}",
                        *unused.begin(), fmt::join(first_names(), ", "));
    }
    for (const NodeData& node : nodes) join(node);
    collect();
    return std::move(placement_);
  }

 private:
  std::vector<std::string> first_names() const {
    return {names_.begin(), names_.begin() + std::min<std::ptrdiff_t>(5, std::ssize(names_))};
  }
  bool is_marked(const std::string& value) const { return group_.contains(value); }
  void mark(const std::string& value) {
    const bool is_only_output = outputs_.contains(value) && !readers_.contains(value);
    if (value.empty() || stored_.contains(value) || is_only_output) return;
    group_.try_emplace(value, value);
  }
  std::string root(std::string value) const {
    while (group_.at(value) != value) value = group_.at(value);
    return value;
  }
  void share(const std::string& a, const std::string& b) {
    if (is_marked(a) && is_marked(b)) group_[root(a)] = root(b);
  }

  const TensorData* stored(const NodeData& node, size_t i) const {
    if (i >= node.inputs.size()) return nullptr;
    const auto found = stored_.find(node.inputs[i]);
    return found == stored_.end() ? nullptr : found->second;
  }

  std::optional<QuantizedLayer> layer_of(size_t i) const {
    const NodeData& node = model_.graph.nodes[i];
    const TensorData* weight = stored(node, 1);
    if (weight == nullptr || weight->type != ElementType::Float || node.outputs.empty() ||
        weight->count() == 0 || stored(node, 0) != nullptr) {
      return {};
    }
    QuantizedLayer layer{.node = i,
                         .name = node.name.empty() ? node.outputs[0] : node.name,
                         .op = node.op_type,
                         .input = node.inputs[0],
                         .weight = node.inputs[1]};
    const bool has_bias = node.inputs.size() > 2 && !node.inputs[2].empty();
    if (has_bias) {
      const TensorData* bias = stored(node, 2);
      if (bias == nullptr || bias->type != ElementType::Float || bias->dims.size() != 1) return {};
      layer.bias = node.inputs[2];
    }
    const bool is_matrix = weight->dims.size() == 2;
    if (node.op_type == "Conv" && weight->dims.size() >= 3) return layer;
    const bool is_plain_gemm = node.op_type == "Gemm" && real(node, "alpha") == 1 &&
                               real(node, "beta") == 1 && integer(node, "transA") == 0;
    if (!is_matrix || (!is_plain_gemm && node.op_type != "MatMul")) return {};
    layer.axis = is_plain_gemm && integer(node, "transB") != 0 ? 0 : 1;
    return layer;
  }

  // The value of levels that all inputs of an elementwise node come from, each by itself; "" for
  // none. What stands between becomes a table of 256 levels.
  std::string function_root(const NodeData& node) const {
    if (!is_one_of(node.op_type, kFunctions) || node.outputs.size() != 1) return "";
    std::string root;
    for (const std::string& input : node.inputs) {
      if (input.empty()) continue;
      if (const auto found = stored_.find(input); found != stored_.end()) {
        if (found->second->count() != 1) return "";
        continue;
      }
      const auto function = function_of_.find(input);
      const std::string own = is_marked(input)                 ? input
                              : function == function_of_.end() ? ""
                                                               : function->second;
      if (own.empty() || (!root.empty() && own != root)) return "";
      root = own;
    }
    return root;
  }

  bool is_read_by_functions(const std::string& value, const std::string& root) const {
    const auto readers = readers_.find(value);
    if (outputs_.contains(value) || readers == readers_.end()) return false;
    return std::ranges::all_of(readers->second, [&](size_t reader) {
      return function_root(model_.graph.nodes[reader]) == root;
    });
  }

  // What a ReLU or Clip that alone reads a value makes of it: its range is that of the levels.
  std::string tail(std::string value) const {
    for (;;) {
      const auto readers = readers_.find(value);
      if (readers == readers_.end() || readers->second.size() != 1 || outputs_.contains(value)) {
        return value;
      }
      const NodeData& reader = model_.graph.nodes[readers->second[0]];
      const bool is_range =
          reader.op_type == "Relu" || (reader.op_type == "Clip" && reader.inputs[0] == value);
      if (!is_range) return value;
      value = reader.outputs[0];
    }
  }

  void join(const NodeData& node) {
    if (node.inputs.empty() || node.outputs.empty()) return;
    const std::string& y = node.outputs[0];
    const bool all_marked = std::ranges::all_of(
        node.inputs, [&](const std::string& input) { return is_marked(input); });
    if (const std::string root = function_root(node); !root.empty()) {
      function_of_[y] = root;
      if (!is_read_by_functions(y, root)) mark(y);
      return;
    }
    const bool is_pair = node.op_type == "Add" || node.op_type == "Mul";
    if (is_pair && all_marked) return mark(tail(y));
    if (is_one_of(node.op_type, kMeans) && all_marked) return mark(y);
    if (is_move(node) && is_marked(node.inputs[0])) {
      mark(y);
      share(y, node.inputs[0]);
    }
    if (node.op_type == "Concat" && all_marked) {
      mark(y);
      for (const std::string& input : node.inputs) share(input, y);
    }
  }

  void collect() {
    const auto add = [&](const std::string& value) {
      if (!is_marked(value)) return;
      placement_.values.push_back(value);
      placement_.groups[value] = root(value);
    };
    for (const auto& input : model_.graph.inputs) add(input.name);
    for (const NodeData& node : model_.graph.nodes) {
      for (const std::string& output : node.outputs) add(output);
    }
  }

  const ModelData& model_;
  std::map<std::string, const TensorData*> stored_;
  std::map<std::string, std::vector<size_t>> readers_;
  std::set<std::string> outputs_;
  std::map<std::string, std::string> group_;  // of marked values: another of the group, or itself
  std::map<std::string, std::string> function_of_;  // of values between levels: of which alone
  std::vector<std::string> names_;
  Placement placement_;
};

}  // namespace

Result<Placement> place_levels(const ModelData& model, const std::vector<std::string>& keep) {
  return Placer(model).run(keep);
}

}  // namespace verge::fit
