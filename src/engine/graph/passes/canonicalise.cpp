#include <algorithm>
#include <cmath>

#include <verge/engine/graph/passes/canonicalise.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {
namespace {

class Canonicaliser {
 public:
  explicit Canonicaliser(Graph& graph)
      : graph_(graph),
        producers_(producers_of(graph)),
        readers_(readers_of(graph)),
        overwritten_(overwritten_values(graph)),
        substitution_(graph) {}

  void run() {
    std::vector<bool> removed(graph_.nodes.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      Node& node = graph_.nodes[n];
      substitution_.apply(node);
      if (node.outputs.empty() || node.outputs[0] == kNone) continue;
      constants_to_the_right(node);
      by_scale(node);
      join_with_input(node);
      if (!may_vanish(node) || !changes_nothing(node)) continue;
      substitution_.replace(node.outputs[0], node.inputs[0]);
      removed[n] = true;
    }
    remove_nodes(graph_, removed);
  }

 private:
  static bool is_one_of(const Node& node, std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, node.op->name) != names.end();
  }
  bool is_const(ValueId id) const { return graph_.value(id).kind == ValueKind::Const; }

  void constants_to_the_right(Node& node) const {
    if (!is_one_of(node, {"add", "mul", "maximum", "minimum"})) return;
    if (is_const(node.inputs[0]) && !is_const(node.inputs[1])) {
      std::swap(node.inputs[0], node.inputs[1]);
    }
  }

  bool keeps_type(const Node& node) const {
    return graph_.value(node.outputs[0]).type == graph_.value(node.inputs[0]).type;
  }

  // Whether a product with this inverse is the quotient, to the last bit: of powers of two.
  static bool is_exact(double inverse) {
    int exponent = 0;
    return std::isnormal(static_cast<float>(inverse)) &&
           std::abs(std::frexp(inverse, &exponent)) == 0.5;
  }
  // By operators that make a step of the last bit.
  bool is_read_exactly(ValueId id) const {
    return std::ranges::any_of(readers_[static_cast<size_t>(id)], [&](NodeId reader) {
      return is_one_of(graph_.nodes[static_cast<size_t>(reader)],
                       {"cast", "compare", "quantize", "round"});
    });
  }

  void by_scale(Node& node) const {
    if (!is_one_of(node, {"add", "sub", "mul", "div"}) || !keeps_type(node)) return;
    const DType dtype = graph_.value(node.outputs[0]).type.dtype;
    if (dtype != DType::F32 && dtype != DType::F64) return;
    const auto constant = number_of(graph_, node.inputs[1]);
    if (!constant) return;
    const std::string_view op = node.op->name;
    // f64 may hold integers, whose quotients must be exact.
    if (op == "div" && (dtype != DType::F32 || *constant == 0)) return;
    if (op == "div" && !is_exact(1 / *constant) && is_read_exactly(node.outputs[0])) return;
    if (op == "mul" || op == "div") {
      node.attrs = {{"factor", op == "mul" ? *constant : 1 / *constant}};
    } else {
      node.attrs = {{"factor", 1.0}, {"offset", op == "add" ? *constant : -*constant}};
    }
    node.inputs = {node.inputs[0]};
    node.op = find_op("scale");
  }

  // Reads what its input's node reads, where both nodes can be one.
  void join_with_input(Node& node) const {
    if (!is_one_of(node, {"reshape", "scale", "transpose"})) return;
    const NodeId producer = producers_[static_cast<size_t>(node.inputs[0])];
    if (producer < 0) return;
    const Node& inner = graph_.nodes[static_cast<size_t>(producer)];
    if (inner.op != node.op || inner.phase != node.phase) return;
    if (overwritten_[static_cast<size_t>(inner.inputs[0])]) return;
    if (node.op->name == "scale") {
      const double factor = node.attrs.real("factor", 1), offset = node.attrs.real("offset", 0);
      node.attrs.set("factor", factor * inner.attrs.real("factor", 1));
      node.attrs.set("offset", factor * inner.attrs.real("offset", 0) + offset);
    } else if (node.op->name == "transpose") {
      std::vector<int64_t> perm = node.attrs.list("perm");
      for (int64_t& axis : perm) axis = inner.attrs.list("perm")[static_cast<size_t>(axis)];
      node.attrs.set("perm", perm);
    }
    node.inputs[0] = inner.inputs[0];
  }

  bool may_vanish(const Node& node) const {
    return node.outputs.size() == 1 && !graph_.value(node.outputs[0]).is_output &&
           graph_.value(node.outputs[0]).alias_of == kNone && !node.inputs.empty() &&
           node.inputs[0] != kNone && !overwritten_[static_cast<size_t>(node.inputs[0])] &&
           keeps_type(node);
  }

  // With a result of its input's type.
  bool changes_nothing(const Node& node) const {
    if (is_one_of(node, {"reshape", "cast", "slice", "broadcast_to"})) return true;
    if (node.op->name == "dropout") return node.attrs.real("rate") == 0;
    if (node.op->name == "scale") {
      return node.attrs.real("factor", 1) == 1 && node.attrs.real("offset", 0) == 0;
    }
    if (node.op->name == "transpose") return std::ranges::is_sorted(node.attrs.list("perm"));
    if (is_one_of(node, {"add", "sub"})) return is_filled_with(node, 0);
    return is_one_of(node, {"mul", "div"}) && is_filled_with(node, 1);
  }

  bool is_filled_with(const Node& node, double wanted) const {
    const Value& value = graph_.value(node.inputs[1]);
    if (value.data == nullptr) return false;
    return std::ranges::all_of(load(value.data->view()), [&](double v) { return v == wanted; });
  }

  Graph& graph_;
  const std::vector<NodeId> producers_;
  const std::vector<std::vector<NodeId>> readers_;
  const std::vector<bool> overwritten_;
  Substitution substitution_;
};

}  // namespace

Graph canonicalise(Graph graph) {
  Canonicaliser(graph).run();
  return graph;
}

}  // namespace verge::graph
