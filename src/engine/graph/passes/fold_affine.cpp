#include <algorithm>
#include <cmath>

#include <verge/engine/graph/passes/fold_affine.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/window2d.hpp>

namespace verge::graph {
namespace {

using Values = std::vector<double>;

/// y = factor * x + addend, by channel.
struct PerChannel {
  Values factor, addend;
};

bool is_plain_conv(const Node& node) {
  const bool is_conv = node.op->name == "conv2d" || node.op->name == "conv_transpose2d";
  const bool has_residual = node.inputs.size() > 3 && node.inputs[3] != kNone;
  return is_conv && !has_residual && !node.attrs.has("factor") &&
         node.attrs.text("activation", "none") == "none";
}

/// Which channels the elements of a weight join.
class Channels {
 public:
  Channels(const Node& conv, const Shape& weight)
      : is_transposed_(conv.op->name == "conv_transpose2d"),
        groups_(conv.attrs.integer("groups", 1)),
        rows_(weight[0]),
        columns_(weight[1]),
        taps_(weight[2] * weight[3]) {}

  size_t out(size_t element) const { return is_transposed_ ? column(element) : row(element); }
  size_t in(size_t element) const { return is_transposed_ ? row(element) : column(element); }

 private:
  size_t row(size_t element) const { return element / static_cast<size_t>(columns_ * taps_); }
  // Of all groups.
  size_t column(size_t element) const {
    const auto of_group = static_cast<int64_t>(element) / taps_ % columns_;
    const int64_t group = static_cast<int64_t>(row(element)) / (rows_ / groups_);
    return static_cast<size_t>(group * columns_ + of_group);
  }

  bool is_transposed_;
  int64_t groups_, rows_, columns_, taps_;
};

class AffineFolder {
 public:
  AffineFolder(Graph& graph, const ParameterValues& parameters)
      : graph_(graph),
        parameters_(parameters),
        producers_(producers_of(graph)),
        readers_(readers_of(graph)),
        overwritten_(overwritten_values(graph)),
        removed_(graph.nodes.size()) {}

  void run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (removed_[n] || !is_plain_conv(graph_.nodes[n])) continue;
      while (fold_before(n)) {
      }
      while (fold_after(n)) {
      }
    }
    remove_nodes(graph_, removed_);
  }

 private:
  bool fold_before(size_t n) {
    Node& conv = graph_.nodes[n];
    const ValueId x = conv.inputs[0];
    const NodeId producer = producers_[static_cast<size_t>(x)];
    if (producer < 0 || removed_[static_cast<size_t>(producer)]) return false;
    const Node& node = graph_.nodes[static_cast<size_t>(producer)];
    if (node.inputs.empty() || node.inputs[0] == kNone) return false;
    if (only_reader(graph_, readers_, static_cast<size_t>(producer)) != static_cast<NodeId>(n)) {
      return false;
    }
    const size_t from = varying_input(node);
    const ValueId source = node.inputs[from];
    if (graph_.value(source).type != graph_.value(x).type) return false;
    if (overwritten_[static_cast<size_t>(source)]) return false;
    const auto affine = affine_of(node, from);
    if (!affine || !(has_no_padding(conv) || is_zero(affine->addend))) return false;
    const PerChannel after{Values(channels_of(conv.outputs[0]), 1), {}};
    if (!fold(conv, *affine, after)) return false;
    conv.inputs[0] = source;
    readers_[static_cast<size_t>(source)] = readers_of_source(source, producer, n);
    removed_[static_cast<size_t>(producer)] = true;
    return true;
  }

  bool fold_after(size_t n) {
    Node& conv = graph_.nodes[n];
    const NodeId next = only_reader(graph_, readers_, n);
    if (next < 0) return false;
    const Node& node = graph_.nodes[static_cast<size_t>(next)];
    const ValueId y = node.outputs[0];
    if (y == kNone || graph_.value(y).type != graph_.value(conv.outputs[0]).type) return false;
    if (graph_.value(y).alias_of != kNone ||
        std::ranges::count(node.inputs, conv.outputs[0]) != 1) {
      return false;
    }
    const auto at = std::ranges::find(node.inputs, conv.outputs[0]) - node.inputs.begin();
    const auto affine = affine_of(node, static_cast<size_t>(at));
    const PerChannel before{Values(channels_of(conv.inputs[0]), 1), {}};
    if (!affine || !fold(conv, before, *affine)) return false;
    conv.outputs[0] = y;
    producers_[static_cast<size_t>(y)] = static_cast<NodeId>(n);
    removed_[static_cast<size_t>(next)] = true;
    return true;
  }

  std::vector<NodeId> readers_of_source(ValueId source, NodeId from, size_t to) const {
    std::vector<NodeId> readers = readers_[static_cast<size_t>(source)];
    std::ranges::replace(readers, from, static_cast<NodeId>(to));
    return readers;
  }

  size_t channels_of(ValueId image) const {
    return static_cast<size_t>(graph_.value(image).type.dims[1].factor);
  }
  static bool has_no_padding(const Node& conv) {
    const Window2d window(conv.attrs);
    return conv.op->name == "conv2d" &&
           std::ranges::all_of(window.pads, [](int64_t pad) { return pad == 0; });
  }
  static bool is_zero(const Values& values) {
    return std::ranges::all_of(values, [](double v) { return v == 0; });
  }

  // The input of a sum or product that is no constant.
  size_t varying_input(const Node& node) const {
    return node.inputs.size() == 2 && values(node.inputs[0]) ? 1 : 0;
  }

  // What a node does to its input `from`, an image.
  std::optional<PerChannel> affine_of(const Node& node, size_t from) const {
    const size_t channels = channels_of(node.outputs[0]);
    const std::string_view op = node.op->name;
    if (op == "scale") {
      return PerChannel{Values(channels, node.attrs.real("factor", 1)),
                        Values(channels, node.attrs.real("offset", 0))};
    }
    if (op == "batch_norm") return from == 0 ? norm_of(node) : std::nullopt;
    if (op != "mul" && op != "add" && op != "sub" && op != "div") return std::nullopt;
    auto other = by_channel(node.inputs[1 - from], channels);
    if (!other || (op == "div" && from == 1)) return std::nullopt;
    PerChannel affine{Values(channels, 1), Values(channels, 0)};
    if (op == "add") affine.addend = *other;
    if (op == "mul") affine.factor = *other;
    for (size_t c = 0; c < channels; ++c) {
      if (op == "div") affine.factor[c] = 1 / (*other)[c];
      if (op != "sub") continue;
      affine.factor[c] = from == 0 ? 1 : -1;
      affine.addend[c] = from == 0 ? -(*other)[c] : (*other)[c];
    }
    return affine;
  }

  std::optional<PerChannel> norm_of(const Node& norm) const {
    const auto scale = values(norm.inputs[1]), shift = values(norm.inputs[2]);
    const auto mean = values(norm.inputs[3]), variance = values(norm.inputs[4]);
    if (!scale || !shift || !mean || !variance) return std::nullopt;
    PerChannel affine;
    for (size_t c = 0; c < scale->size(); ++c) {
      affine.factor.push_back((*scale)[c] /
                              std::sqrt((*variance)[c] + norm.attrs.real("eps", 1e-5)));
      affine.addend.push_back((*shift)[c] - (*mean)[c] * affine.factor[c]);
    }
    return affine;
  }

  // The elements of a constant that repeats by channel, [.., channels, 1, 1] or a single number.
  std::optional<Values> by_channel(ValueId id, size_t channels) const {
    Dims dims = graph_.value(id).type.dims;
    while (!dims.empty() && dims.front() == Dim(1)) dims.erase(dims.begin());
    const bool is_number = dims.empty();
    const auto extent = static_cast<int64_t>(channels);
    if (!is_number && dims != Dims{extent, 1, 1}) return std::nullopt;
    auto found = values(id);
    if (found && is_number) found->resize(channels, found->front());
    return found;
  }

  bool fold(Node& conv, const PerChannel& before, const PerChannel& after) {
    const auto weight = values(conv.inputs[1]);
    const Type type = graph_.value(conv.inputs[1]).type;
    const bool has_bias = conv.inputs.size() > 2 && conv.inputs[2] != kNone;
    const size_t outputs = channels_of(conv.outputs[0]);
    auto bias = has_bias ? values(conv.inputs[2]) : std::optional(Values(outputs));
    if (!weight || !bias || (type.dtype != DType::F32 && type.dtype != DType::F64)) return false;
    const Channels channels(conv, graph_.bound_shape(type));
    Values folded = *weight;
    for (size_t i = 0; i < folded.size(); ++i) {
      const size_t out = channels.out(i), in = channels.in(i);
      if (!before.addend.empty()) (*bias)[out] += folded[i] * before.addend[in];
      folded[i] *= before.factor[in] * after.factor[out];
    }
    for (size_t c = 0; c < outputs; ++c) {
      (*bias)[c] = (*bias)[c] * after.factor[c] + (after.addend.empty() ? 0 : after.addend[c]);
    }
    std::string name = graph_.value(conv.inputs[1]).name;
    if (!name.ends_with(".folded")) name += ".folded";
    conv.inputs.resize(3, kNone);
    conv.inputs[1] = constant(name, type, folded);
    conv.inputs[2] = constant(name + ".bias", {type.dtype, {static_cast<int64_t>(outputs)}}, *bias);
    return true;
  }

  std::optional<Values> values(ValueId id) const {
    if (id == kNone) return std::nullopt;
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
  std::vector<NodeId> producers_;
  std::vector<std::vector<NodeId>> readers_;
  const std::vector<bool> overwritten_;
  std::vector<bool> removed_;
};

}  // namespace

Graph fold_affine(Graph graph, const ParameterValues& parameters) {
  AffineFolder(graph, parameters).run();
  return graph;
}

}  // namespace verge::graph
