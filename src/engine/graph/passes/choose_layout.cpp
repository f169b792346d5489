#include <algorithm>
#include <cmath>

#include <verge/engine/graph/channel_blocks.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/blocked_form.hpp>
#include <verge/engine/graph/passes/choose_layout.hpp>
#include <verge/engine/graph/passes/min_cut.hpp>
#include <verge/engine/graph/passes/pass.hpp>

namespace verge::graph {
namespace {

class LayoutChooser {
 public:
  LayoutChooser(Graph& graph, const NodeSeconds& seconds)
      : graph_(graph),
        seconds_(seconds),
        producers_(producers_of(graph)),
        readers_(readers_of(graph)),
        blocks_(graph.values.size(), kNone) {
    for (size_t id = 0; id < blocks_.size(); ++id) add_blocks(static_cast<ValueId>(id));
    for (const Node& node : graph_.nodes) forms_.push_back(blocked_form(graph_, node));
  }

  void run() {
    const std::vector<bool> in_blocks = choose();
    std::vector<Node> nodes = std::move(graph_.nodes);
    graph_.nodes.clear();
    is_there_.assign(graph_.values.size(), false);
    for (size_t id = 0; id < graph_.values.size(); ++id) {
      is_there_[id] = graph_.values[id].kind != ValueKind::Activation;
    }
    for (size_t n = 0; n < nodes.size(); ++n) {
      const Node node = in_blocks[n] ? in_blocks_form(nodes[n], *forms_[n]) : nodes[n];
      for (const ValueId id : node.inputs) provide(id, node);
      graph_.nodes.push_back(node);
      for (const ValueId id : node.outputs) {
        if (id != kNone) is_there_[static_cast<size_t>(id)] = true;
      }
      for (const ValueId id : nodes[n].outputs) {
        if (id != kNone && graph_.value(id).is_output) provide(id, node);
      }
    }
    remove_nodes(graph_, std::vector<bool>(graph_.nodes.size()));
  }

 private:
  ValueId blocks_of(ValueId id) const { return blocks_[static_cast<size_t>(id)]; }

  // The same image in blocks, as one more value.
  void add_blocks(ValueId id) {
    if (!is_image(graph_, id)) return;
    Value value;
    value.name = graph_.value(id).name + ".blocks";
    value.type = {DType::F32, blocked_dims(graph_.value(id).type.dims)};
    blocks_[static_cast<size_t>(id)] = static_cast<ValueId>(graph_.values.size());
    graph_.values.push_back(std::move(value));
  }

  Node in_blocks_form(const Node& node, const BlockedForm& form) const {
    Node made = node;
    made.op = find_op(form.op);
    made.attrs = form.attrs;
    for (size_t i = 0; i < made.inputs.size(); ++i) {
      if (form.is_blocked[i]) made.inputs[i] = blocks_of(made.inputs[i]);
    }
    if (made.op != node.op) made.outputs.resize(1);
    if (form.is_result_blocked) made.outputs[0] = blocks_of(node.outputs[0]);
    return made;
  }

  Node conversion(ValueId image, bool to_blocks, const Node& like) const {
    const ValueId blocks = blocks_of(image);
    if (to_blocks) {
      return {find_op("block_channels"), {image}, {blocks}, {}, like.phase, like.source};
    }
    Attrs attrs{{"channels", graph_.value(image).type.dims[1].factor}};
    return {find_op("unblock_channels"), {blocks}, {image}, attrs, like.phase, like.source};
  }

  // Puts a conversion before what comes next, where the value is there in its other layout only.
  void provide(ValueId id, const Node& like) {
    if (id == kNone || is_there_[static_cast<size_t>(id)]) return;
    const auto original = static_cast<ValueId>(std::ranges::find(blocks_, id) -
                                               blocks_.begin());  // whose blocks it is
    const bool to_blocks = static_cast<size_t>(original) < blocks_.size();
    graph_.nodes.push_back(conversion(to_blocks ? original : id, to_blocks, like));
    is_there_[static_cast<size_t>(id)] = true;
  }

  int64_t nanoseconds(const Node& node) const {
    constexpr double kMostSeconds = 100;  // of a file of times, which may say anything
    return static_cast<int64_t>(std::ceil(std::min(seconds_(graph_, node), kMostSeconds) * 1e9));
  }

  /// By node: whether it shall run in blocks, label 1 of the cut.
  std::vector<bool> choose() const {
    MinCut cut(graph_.nodes.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      cut.cost_of_one(
          n, forms_[n] ? nanoseconds(in_blocks_form(graph_.nodes[n], *forms_[n])) : MinCut::kNever);
      if (forms_[n]) cut.cost_of_zero(n, nanoseconds(graph_.nodes[n]));
    }
    const size_t plain = cut.add_item();  // inputs and outputs of the graph
    cut.cost_of_one(plain, MinCut::kNever);
    for (size_t id = 0; id < blocks_.size(); ++id) {
      if (blocks_[id] != kNone) add_conversions(cut, static_cast<ValueId>(id), plain);
    }
    std::vector<bool> labels = cut.solve();
    labels.resize(graph_.nodes.size());
    return labels;
  }

  // A value is converted once, for all its readers of the layout that it is not made in.
  void add_conversions(MinCut& cut, ValueId id, size_t plain) const {
    const NodeId producer = producers_[static_cast<size_t>(id)];
    const auto& readers = readers_[static_cast<size_t>(id)];
    if (producer < 0 && readers.empty()) return;
    const bool may_be_blocked = producer >= 0 && forms_[static_cast<size_t>(producer)] &&
                                forms_[static_cast<size_t>(producer)]->is_result_blocked;
    const size_t maker = may_be_blocked ? static_cast<size_t>(producer) : plain;
    const Node none;
    if (may_be_blocked) {
      const size_t wanted = cut.add_item();  // 0: somebody reads it plain
      cut.cost_of_both(wanted, maker, nanoseconds(conversion(id, false, none)));
      for (const NodeId reader : readers) {
        cut.cost_of_both(reads_plain(reader, id) ? plain : static_cast<size_t>(reader), wanted,
                         MinCut::kNever);
      }
      if (graph_.value(id).is_output) cut.cost_of_both(plain, wanted, MinCut::kNever);
    }
    const size_t wanted = cut.add_item();  // 1: somebody reads it in blocks
    bool is_ever = false;
    for (const NodeId reader : readers) {
      if (!reads_blocks(reader, id)) continue;
      cut.cost_of_both(wanted, static_cast<size_t>(reader), MinCut::kNever);
      is_ever = true;
    }
    if (is_ever) cut.cost_of_both(maker, wanted, nanoseconds(conversion(id, true, none)));
  }

  // Whether the reader's form in blocks reads this value in blocks.
  bool reads_blocks(NodeId reader, ValueId id) const {
    const auto& form = forms_[static_cast<size_t>(reader)];
    return form && reads(reader, id, *form, true);
  }

  // Whether it reads the value plain in any form.
  bool reads_plain(NodeId reader, ValueId id) const {
    const auto& form = forms_[static_cast<size_t>(reader)];
    return !form || reads(reader, id, *form, false);
  }

  bool reads(NodeId reader, ValueId id, const BlockedForm& form, bool in_blocks) const {
    const Node& node = graph_.nodes[static_cast<size_t>(reader)];
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == id && form.is_blocked[i] == in_blocks) return true;
    }
    return false;
  }

  Graph& graph_;
  const NodeSeconds& seconds_;
  const std::vector<NodeId> producers_;
  const std::vector<std::vector<NodeId>> readers_;
  std::vector<ValueId> blocks_;                    // by value: the same in blocks
  std::vector<std::optional<BlockedForm>> forms_;  // by node
  std::vector<bool> is_there_;
};

}  // namespace

Graph choose_layout(Graph graph, const NodeSeconds& seconds) {
  if (!seconds) return graph;
  LayoutChooser(graph, seconds).run();
  return graph;
}

double estimated_seconds(const Graph& graph, const Node& node) {
  constexpr double kStart = 1e-6, kBytes = 2e10;  // seconds of any call; bytes a second
  constexpr double kPlainFlops = 1.2e11, kBlockedFlops = 1.8e11;
  static std::byte present;
  std::vector<TensorView> views[2];
  for (const bool is_output : {false, true}) {
    for (const ValueId id : is_output ? node.outputs : node.inputs) {
      const Type type = id == kNone ? Type() : graph.value(id).type;
      void* data = id == kNone ? nullptr : &present;
      views[is_output].push_back({data, type.dtype, graph.bound_shape(type)});
    }
  }
  const Cost cost = cost_of(*node.op, {views[0], views[1], node.attrs});
  double seconds = kStart + cost.bytes / kBytes;
  if (node.op->name == "conv2d") seconds += cost.flops / kPlainFlops;
  if (node.op->name == "conv2d_blocked") {
    const double channels = static_cast<double>(views[0][1].shape[0]);
    const Shape& y = views[1][0].shape;
    const double lanes = static_cast<double>(y[1] * y[4]);
    seconds += cost.flops * lanes / channels / kBlockedFlops;
  }
  return seconds;
}

}  // namespace verge::graph
