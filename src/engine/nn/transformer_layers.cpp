#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/nn/transformer_layers.hpp>

namespace verge::nn {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::NodeId;
using graph::ValueId;
using graph::ValueKind;

/// Linear layers of one attention, as nodes.
struct Attention {
  std::set<NodeId> inputs = {};  // query, key and value
  NodeId output = -1;
};

class BlockFinder {
 public:
  BlockFinder(const Graph& graph, std::vector<UpdatableLayer>& layers)
      : graph_(graph),
        layers_(layers),
        producers_(graph::producers_of(graph)),
        readers_(graph::readers_of(graph)) {}

  void run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (graph_.nodes[n].op->name == "softmax") take_attention(static_cast<NodeId>(n));
    }
    if (attentions_.empty()) return;
    std::ranges::sort(attentions_, {}, [](const Attention& a) { return *a.inputs.begin(); });
    find_layer_nodes();
    const NodeId end = end_of_last();
    for (size_t i = 0; i < attentions_.size(); ++i) {
      const bool is_last = i + 1 == attentions_.size();
      name_block(i, is_last ? end : *attentions_[i + 1].inputs.begin() - 1);
    }
    for (size_t i = 0; i < attentions_.size(); ++i) take_norm_before(i);
  }

 private:
  const Node& node(NodeId id) const { return graph_.nodes[static_cast<size_t>(id)]; }
  bool is_op(NodeId id, std::string_view op) const { return id >= 0 && node(id).op->name == op; }
  NodeId producer(ValueId id) const { return producers_[static_cast<size_t>(id)]; }

  static bool is_layer(const Node& node) {
    const std::string_view op = node.op->name;
    return op == "linear" || op == "layer_norm" || op == "rms_norm" || op == "softmax" ||
           op == "embedding" || op == "gather" || op == "conv2d";
  }

  // The linear layers that a value comes from without another layer between, and whether a product
  // of two activations lies on the way.
  bool collect_before(ValueId from, std::set<NodeId>& linear) const {
    bool has_product = false;
    std::set<NodeId> seen;
    std::vector<ValueId> open = {from};
    while (!open.empty()) {
      const ValueId id = open.back();
      open.pop_back();
      const NodeId made = id == kNone ? -1 : producer(id);
      if (made < 0 || !seen.insert(made).second) continue;
      if (is_op(made, "linear")) linear.insert(made);
      if (is_layer(node(made))) continue;
      has_product = has_product || is_op(made, "matmul");
      open.insert(open.end(), node(made).inputs.begin(), node(made).inputs.end());
    }
    return has_product;
  }

  // The linear layer that a value goes to, through a product and without another layer between.
  NodeId linear_behind(ValueId from) const {
    std::set<NodeId> seen;
    std::vector<std::pair<ValueId, bool>> open = {{from, false}};
    NodeId found = -1;
    while (!open.empty()) {
      const auto [id, has_product] = open.back();
      open.pop_back();
      for (const NodeId reader : readers_[static_cast<size_t>(id)]) {
        if (is_op(reader, "linear") && has_product) {
          found = found < 0 ? reader : std::min(found, reader);
        }
        if (is_layer(node(reader)) || !seen.insert(reader).second) continue;
        const bool is_product = has_product || is_op(reader, "matmul");
        for (const ValueId output : node(reader).outputs) {
          if (output != kNone) open.emplace_back(output, is_product);
        }
      }
    }
    return found;
  }

  void take_attention(NodeId softmax) {
    Attention attention;
    const bool has_product = collect_before(node(softmax).inputs[0], attention.inputs);
    if (!has_product || attention.inputs.empty()) return;
    attention.output = linear_behind(node(softmax).outputs[0]);
    if (attention.output < 0) return;
    collect_before(node(attention.output).inputs[0], attention.inputs);  // the value
    // Heads may have a softmax each.
    const auto same = std::ranges::find(attentions_, attention.output, &Attention::output);
    if (same == attentions_.end()) {
      attentions_.push_back(std::move(attention));
    } else {
      same->inputs.merge(attention.inputs);
    }
  }

  void find_layer_nodes() {
    std::map<ValueId, NodeId> first;  // that reads a parameter
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      for (const ValueId id : graph_.nodes[n].inputs) {
        if (id != kNone) first.try_emplace(id, static_cast<NodeId>(n));
      }
    }
    for (const UpdatableLayer& layer : layers_) layer_nodes_.push_back(first.at(layer.id));
  }

  bool is_sum_of_two(const Node& sum) const {
    if (sum.op->name != "add") return false;
    const graph::Value &a = graph_.value(sum.inputs[0]), &b = graph_.value(sum.inputs[1]);
    return a.kind == ValueKind::Activation && b.kind == ValueKind::Activation &&
           a.type.dims == b.type.dims;
  }

  // The last sum behind the last attention, and the norms of it.
  NodeId end_of_last() const {
    NodeId end = attentions_.back().output;
    for (auto n = static_cast<size_t>(end); n < graph_.nodes.size(); ++n) {
      if (is_sum_of_two(graph_.nodes[n])) end = static_cast<NodeId>(n);
    }
    const NodeId sum = end;
    for (const NodeId norm : layer_nodes_) {
      if (norm > sum && is_norm(norm) && through_views(node(norm).inputs[0]) == sum) {
        end = std::max(end, norm);
      }
    }
    return end;
  }

  bool is_norm(NodeId id) const { return is_op(id, "layer_norm") || is_op(id, "rms_norm"); }

  // The node that computes a value, through nodes that only give it another shape.
  NodeId through_views(ValueId id) const {
    NodeId made = producer(id);
    while (made >= 0 && node(made).op->is_view) made = producer(node(made).inputs[0]);
    return made;
  }

  void name_block(size_t index, NodeId end) {
    const Attention& attention = attentions_[index];
    const std::string name = fmt::format("block.{}", index);
    ValueId feed_forward = kNone;  // what its first products read
    for (size_t i = 0; i < layers_.size(); ++i) {
      const NodeId at = layer_nodes_[i];
      if (at < *attention.inputs.begin() || at > end || layers_[i].op == "embedding") continue;
      layers_[i].block = name;
      if (layers_[i].op != "linear") continue;
      if (at == attention.output || attention.inputs.contains(at)) {
        layers_[i].role = LayerRole::Attention;
      } else if (at > attention.output) {
        if (feed_forward == kNone) feed_forward = node(at).inputs[0];
        if (node(at).inputs[0] == feed_forward) layers_[i].role = LayerRole::FirstFeedForward;
      }
    }
  }

  // Where attention alone reads a norm, what it adds to goes past the norm: they are one block.
  void take_norm_before(size_t index) {
    const Attention& attention = attentions_[index];
    const NodeId norm = through_views(node(*attention.inputs.begin()).inputs[0]);
    const auto at = std::ranges::find(layer_nodes_, norm);
    if (!is_norm(norm) || at == layer_nodes_.end() || !is_read_by(norm, attention)) return;
    layers_[static_cast<size_t>(at - layer_nodes_.begin())].block = fmt::format("block.{}", index);
  }

  bool is_read_by(NodeId norm, const Attention& attention) const {
    std::vector<ValueId> open = {node(norm).outputs[0]};
    while (!open.empty()) {
      const ValueId id = open.back();
      open.pop_back();
      for (const NodeId reader : readers_[static_cast<size_t>(id)]) {
        if (node(reader).op->is_view) {
          open.push_back(node(reader).outputs[0]);
        } else if (!attention.inputs.contains(reader)) {
          return false;
        }
      }
    }
    return true;
  }

  const Graph& graph_;
  std::vector<UpdatableLayer>& layers_;
  const std::vector<NodeId> producers_;
  const std::vector<std::vector<NodeId>> readers_;
  std::vector<Attention> attentions_;
  std::vector<NodeId> layer_nodes_;  // of layers_
};

}  // namespace

void find_transformer_blocks(const Graph& graph, std::vector<UpdatableLayer>& layers) {
  BlockFinder(graph, layers).run();
}

}  // namespace verge::nn
