#include <algorithm>
#include <string_view>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/engine/onnx/open_rows.hpp>

namespace verge::onnx {
namespace {

using graph::Dims;
using OpenAxis = std::optional<int>;

constexpr std::string_view kByElement[] = {
    "abs",      "add",    "broadcast_to", "cast",    "clip",    "compare", "div", "erf",  "exp",
    "hsigmoid", "hswish", "leaky_relu",   "log",     "maximum", "minimum", "mul", "pow",  "relu",
    "round",    "rsqrt",  "scale",        "sigmoid", "silu",    "sqrt",    "sub", "tanh", "where"};
constexpr std::string_view kByLastAxis[] = {"linear", "log_softmax", "softmax"};
constexpr std::string_view kReductions[] = {"reduce_max", "reduce_mean", "reduce_sum"};

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::count(names, name) > 0;
}

/// The axis of `to` that is `axis` of `from`: as much lies before it, and it is as long.
OpenAxis kept_by_reshape(const Dims& from, const Dims& to, int axis) {
  const auto before = [](const Dims& dims, size_t end) {
    int64_t product = 1;
    for (size_t i = 0; i < end; ++i) product *= dims[i].factor;
    return product;
  };
  const auto at = static_cast<size_t>(axis);
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i] == from[at] && before(to, i) == before(from, at)) return static_cast<int>(i);
  }
  return std::nullopt;
}

// What follows of one input with an open axis.
struct Follower {
  const graph::Graph& graph;
  const graph::Node& node;
  size_t input;
  OpenRows& rows;

  const Dims& dims(size_t i) const { return graph.value(node.inputs[i]).type.dims; }
  const Dims& result() const { return graph.value(node.outputs[0]).type.dims; }
  int rank(size_t i) const { return static_cast<int>(dims(i).size()); }
  int attr_axis() const { return graph::from_front(node.attrs.integer("axis"), dims(0).size()); }

  OpenAxis axis() const {
    const std::string_view op = node.op->name;
    const int at = rows.axis;
    if (is_one_of(kByElement, op)) return by_element();
    if (is_one_of(kByLastAxis, op))
      return input == 0 && at < rank(0) - 1 ? OpenAxis(at) : OpenAxis();
    if (is_one_of(kReductions, op)) return by_reduction();
    if (op == "reshape") return kept_by_reshape(dims(0), result(), at);
    if (op == "transpose") {
      const std::vector<int64_t>& perm = node.attrs.list("perm");
      return static_cast<int>(std::ranges::find(perm, at) - perm.begin());
    }
    if (op == "concat" && at != attr_axis()) return at;
    if (op == "slice") return by_slice();
    if (op == "gather") return by_gather();
    if (op == "gather_nd" && input == 1 && at < rank(1) - 1) return at;
    return std::nullopt;
  }

  // One row that is repeated for another input's is no axis of selected rows.
  OpenAxis by_element() const {
    const int at = rows.axis + static_cast<int>(result().size()) - rank(input);
    const bool is_kept =
        result()[static_cast<size_t>(at)] == dims(input)[static_cast<size_t>(rows.axis)];
    return is_kept ? OpenAxis(at) : OpenAxis();
  }

  OpenAxis by_reduction() const {
    const auto& axes = node.attrs.list("axes");
    int before = 0;
    for (int64_t axis : axes) {
      const int reduced = graph::from_front(axis, dims(0).size());
      if (reduced == rows.axis) return std::nullopt;
      before += reduced < rows.axis ? 1 : 0;
    }
    return node.attrs.integer("keep") != 0 ? rows.axis : rows.axis - before;
  }

  // The first rows of those that count.
  OpenAxis by_slice() const {
    if (attr_axis() != rows.axis) return rows.axis;
    if (node.attrs.integer("start") != 0) return std::nullopt;
    rows.most = std::min(rows.most, node.attrs.integer("size"));
    return rows.axis;
  }

  OpenAxis by_gather() const {
    if (input == 1) return attr_axis() + rows.axis;
    if (rows.axis == attr_axis()) return std::nullopt;
    return rows.axis < attr_axis() ? rows.axis : rows.axis - 1 + rank(1);
  }
};

}  // namespace

Result<std::optional<OpenRows>> open_rows_of(const graph::Graph& graph, const graph::Node& node,
                                             std::span<const std::optional<OpenRows>> inputs) {
  std::optional<OpenRows> result;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]) continue;
    OpenRows rows = *inputs[i];
    const OpenAxis axis = Follower{graph, node, i, rows}.axis();
    if (axis) rows.axis = *axis;
    if (axis && (!result || *result == rows)) {
      result = rows;
      continue;
    }
    return make_error(Code::Unsupported,
                      "{}: it depends on how many boxes NonMaxSuppression selects, which is known "
                      "only when the network runs; export the network without what follows",
                      node.op->name);
  }
  return result;
}

}  // namespace verge::onnx
