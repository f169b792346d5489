#include <cmath>

#include <verge/engine/graph/passes/fold_batch_norm.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {
namespace {

using Values = std::vector<double>;

class BatchNormFolder {
 public:
  BatchNormFolder(Graph& graph, const ParameterValues& parameters)
      : graph_(graph),
        parameters_(parameters),
        producers_(producers_of(graph)),
        readers_(readers_of(graph)) {}

  void run() {
    std::vector<bool> removed(graph_.nodes.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (graph_.nodes[n].op->name == "batch_norm") removed[n] = fold(graph_.nodes[n]);
    }
    remove_nodes(graph_, removed);
  }

 private:
  bool fold(const Node& norm) {
    Node* product = foldable_product(norm.inputs[0]);
    if (product == nullptr) return false;
    const auto weight = values(product->inputs[1]), scale = values(norm.inputs[1]);
    const auto shift = values(norm.inputs[2]), mean = values(norm.inputs[3]);
    const auto variance = values(norm.inputs[4]);
    const bool has_bias = product->inputs.size() > 2 && product->inputs[2] != kNone;
    const auto bias = has_bias ? values(product->inputs[2]) : std::optional<Values>(Values());
    if (!weight || !scale || !shift || !mean || !variance || !bias) return false;
    Values folded = *weight, addend(scale->size());
    const size_t per_channel = folded.size() / scale->size();
    const double eps = norm.attrs.real("eps", 1e-5);
    for (size_t c = 0; c < scale->size(); ++c) {
      const double factor = (*scale)[c] / std::sqrt((*variance)[c] + eps);
      for (size_t i = 0; i < per_channel; ++i) folded[c * per_channel + i] *= factor;
      addend[c] = ((has_bias ? (*bias)[c] : 0) - (*mean)[c]) * factor + (*shift)[c];
    }
    const std::string name = graph_.value(product->inputs[1]).name + ".folded";
    const Type type = graph_.value(product->inputs[1]).type;
    product->inputs.resize(std::max<size_t>(3, product->inputs.size()), kNone);
    product->inputs[1] = constant(name, type, folded);
    product->inputs[2] = constant(name + ".bias", {type.dtype, {type.dims[0]}}, addend);
    product->outputs[0] = norm.outputs[0];
    return true;
  }

  // A convolution without anything between it and the norm.
  Node* foldable_product(ValueId y) {
    const NodeId producer = producers_[static_cast<size_t>(y)];
    if (producer < 0 || readers_[static_cast<size_t>(y)].size() != 1) return nullptr;
    Node& node = graph_.nodes[static_cast<size_t>(producer)];
    const bool is_plain =
        node.op->name == "conv2d" && node.attrs.text("activation", "none") == "none";
    return is_plain && !graph_.value(y).is_output ? &node : nullptr;
  }

  std::optional<Values> values(ValueId id) const {
    const Value& value = graph_.value(id);
    if (value.data != nullptr) return load(value.data->view());
    if (value.kind != ValueKind::Param || value.is_trainable) return std::nullopt;
    const auto view = parameters_(value.name);
    return view ? std::optional(load(*view)) : std::nullopt;
  }

  ValueId constant(std::string name, const Type& type, const Values& values) {
    Tensor data(type.dtype, graph_.bound_shape(type));
    store(data.view(), values);
    Value value;
    value.name = std::move(name);
    value.type = type;
    value.kind = ValueKind::Const;
    value.data = std::make_shared<const Tensor>(std::move(data));
    graph_.values.push_back(std::move(value));
    return static_cast<ValueId>(graph_.values.size() - 1);
  }

  Graph& graph_;
  const ParameterValues& parameters_;
  const std::vector<NodeId> producers_;
  const std::vector<std::vector<NodeId>> readers_;
};

}  // namespace

Graph fold_batch_norm(Graph graph, const ParameterValues& parameters) {
  BatchNormFolder(graph, parameters).run();
  return graph;
}

}  // namespace verge::graph
