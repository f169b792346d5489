#include <algorithm>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/low_rank.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::graph {
namespace {

// Puts the factors of one weight behind the node at `index`: the nodes after it read their sum.
class Attachment {
 public:
  Attachment(Builder& builder, const LowRank& form) : b_(builder), form_(form) {}

  std::pair<ValueId, ValueId> attach(size_t index) {
    const Node node = b_.graph().nodes[index];  // a copy: the list grows below
    const Value weight = b_.graph().value(node.inputs[1]);
    Dims a = weight.type.dims, b = weight.type.dims;
    a[0] = form_.rank;
    b[1] = form_.rank;
    const ValueId down = b_.param(weight.name + ".lora_a", {weight.type.dtype, a});
    const ValueId up = b_.param(weight.name + ".lora_b", {weight.type.dtype, b});
    const size_t first = b_.graph().nodes.size();
    b_.source(node.source);
    const ValueId x = b_.op(node.op->name, {node.inputs[0], down}, node.attrs);
    const double factor = form_.alpha / static_cast<double>(form_.rank);
    const ValueId scaled = factor == 1 ? x : b_.op("scale", {x}, {{"factor", factor}});
    const ValueId y = node.outputs[0];
    const ValueId sum = node.op->name == "linear"
                            ? b_.op("linear", {scaled, up, kNone, y})
                            : b_.op("add", {y, b_.op("conv2d", {scaled, up})});
    if (!b_.failed()) take_over(y, sum, index, first);
    return {down, up};
  }

 private:
  // Readers of y, but for the new nodes, read the sum; these move behind the product.
  void take_over(ValueId y, ValueId sum, size_t index, size_t first) {
    Graph& graph = b_.graph();
    for (size_t n = 0; n < first; ++n) std::ranges::replace(graph.nodes[n].inputs, y, sum);
    std::swap(graph.value(y).is_output, graph.value(sum).is_output);
    if (graph.value(sum).is_output) std::swap(graph.value(y).name, graph.value(sum).name);
    const auto at = [&](size_t n) { return graph.nodes.begin() + static_cast<std::ptrdiff_t>(n); };
    std::rotate(at(index + 1), at(first), graph.nodes.end());
  }

  Builder& b_;
  const LowRank& form_;
};

Result<size_t> node_of(const Graph& graph, ValueId weight) {
  size_t found = graph.nodes.size();
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (std::ranges::find(node.inputs, weight) == node.inputs.end()) continue;
    const bool is_weight = takes_low_rank(graph, node) && node.inputs[1] == weight;
    if (!is_weight || found < graph.nodes.size()) {
      return make_error(Code::Unsupported,
                        "{} ({}): reads {}, which low-rank factors are for where one linear layer "
                        "or 1x1 convolution alone reads it",
                        node.op->name, node.source, graph.value(weight).name);
    }
    found = n;
  }
  if (found < graph.nodes.size()) return found;
  return make_error(Code::InvalidArgument, "no layer reads {}", graph.value(weight).name);
}

}  // namespace

bool takes_low_rank(const Graph& graph, const Node& node) {
  if (node.op->name == "linear") return true;
  if (node.op->name != "conv2d" || node.attrs.integer("groups", 1) != 1) return false;
  const Dims& w = graph.value(node.inputs[1]).type.dims;
  return w[2].factor == 1 && w[3].factor == 1;
}

Result<LowRankGraph> add_low_rank(Graph graph, const std::vector<ValueId>& weights,
                                  const LowRank& form) {
  LowRankGraph result;
  Builder builder(std::move(graph));
  Attachment attachment(builder, form);
  for (const ValueId weight : weights) {
    VERGE_TRY(const size_t index, node_of(builder.graph(), weight));
    const auto [a, b] = attachment.attach(index);
    result.a.push_back(a);
    result.b.push_back(b);
  }
  VERGE_TRY(result.graph, builder.finish());
  return result;
}

}  // namespace verge::graph
