#include <algorithm>
#include <map>
#include <optional>

#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fuse_written_norms.hpp>
#include <verge/engine/graph/passes/rewriter.hpp>
#include <verge/engine/graph/reference.hpp>

namespace verge::graph {
namespace {

class NormReader {
 public:
  explicit NormReader(Graph& graph) : rewriter_(graph) {}

  void run() {
    rewriter_.for_each_node([&](Node& node) {
      if (node.outputs.size() != 1 || node.outputs[0] == kNone) return true;
      const std::string_view op = node.op->name;
      if (op == "div" && as_softmax(node)) return true;
      if ((op == "div" || op == "mul") && as_norm(node)) return true;
      if (op == "mul") take_weight(node);
      if (op == "add") take_bias(node);
      return true;
    });
  }

 private:
  /// d / root: which input is d, and the value below the root.
  struct Quotient {
    ValueId numerator = kNone;
    ValueId variance = kNone;
    double eps = 0;
  };

  bool is_over_rows(const Node& reduction) const {
    const auto rank = static_cast<int64_t>(rewriter_.type(reduction.inputs[0]).dims.size());
    const std::vector<int64_t>& axes = reduction.attrs.list("axes");
    return axes.size() == 1 && (axes[0] == rank - 1 || axes[0] == -1) &&
           reduction.attrs.integer("keep") != 0;
  }
  // op over the last axis; its input, or kNone.
  ValueId reduced(ValueId id, std::string_view op, const Node& like) const {
    const Node* node = rewriter_.made_by(id, op, like);
    return node != nullptr && is_over_rows(*node) ? node->inputs[0] : kNone;
  }
  bool can_be_read(const Node& node, ValueId x) const {
    return rewriter_.may_read(x) && rewriter_.type(x) == rewriter_.type(node.outputs[0]);
  }
  bool is_read_once(ValueId id) const { return rewriter_.uses(id) == 1; }

  bool as_softmax(Node& node) {
    const ValueId powers = node.inputs[0];
    const Node* exp = rewriter_.made_by(powers, "exp", node);
    if (exp == nullptr || !is_read_once(node.inputs[1])) return false;
    if (reduced(node.inputs[1], "reduce_sum", node) != powers) return false;
    ValueId x = exp->inputs[0];
    const Node* centred = rewriter_.made_by(x, "sub", node);
    if (centred != nullptr &&
        reduced(centred->inputs[1], "reduce_max", node) == centred->inputs[0]) {
      x = centred->inputs[0];
    }
    if (!can_be_read(node, x)) return false;
    node.op = find_op("softmax");
    node.inputs = {x};
    return true;
  }

  // Of d / sqrt(v + eps), d * (1 / sqrt(v + eps)) and d * rsqrt(v + eps).
  std::optional<Quotient> quotient(const Node& node) const {
    for (size_t side : {0, 1}) {
      ValueId root = node.inputs[1 - side];
      if (!is_read_once(root)) continue;
      const Node* made = nullptr;
      if (node.op->name == "mul") {
        made = rewriter_.made_by(root, "rsqrt", node);
        const Node* inverse = rewriter_.made_by(root, "div", node);
        if (inverse != nullptr && number_of(rewriter_.graph(), inverse->inputs[0]) == 1) {
          made = rewriter_.made_by(inverse->inputs[1], "sqrt", node);
        }
      } else if (side == 0) {
        made = rewriter_.made_by(root, "sqrt", node);
      }
      if (made == nullptr) continue;
      const ScaledValue below = rewriter_.scaled(made->inputs[0], node).back();
      if (below.factor != 1 || !(below.offset > 0)) continue;
      return Quotient{node.inputs[side], below.base, below.offset};
    }
    return std::nullopt;
  }

  bool as_norm(Node& node) {
    const auto found = quotient(node);
    if (!found) return false;
    const ValueId square = reduced(found->variance, "reduce_mean", node);
    const Node* product = square == kNone ? nullptr : rewriter_.made_by(square, "mul", node);
    const ValueId d = found->numerator;
    if (product == nullptr || product->inputs[0] != d || product->inputs[1] != d) return false;
    const Node* centred = rewriter_.made_by(d, "sub", node);
    const bool is_layer_norm = centred != nullptr && reduced(centred->inputs[1], "reduce_mean",
                                                             node) == centred->inputs[0];
    const ValueId x = is_layer_norm ? centred->inputs[0] : d;
    if (!can_be_read(node, x) || !rewriter_.type(x).dims.back().is_constant()) return false;
    become(node, is_layer_norm ? "layer_norm" : "rms_norm", {x}, found->eps);
    if (is_layer_norm) node.inputs.push_back(ones_like_a_row_of(x));
    return true;
  }

  static void become(Node& node, std::string_view op, std::vector<ValueId> inputs, double eps) {
    node.op = find_op(op);
    node.inputs = std::move(inputs);
    node.attrs = {{"eps", eps}};
    node.outputs.resize(op == "layer_norm" ? 3 : 2, kNone);
  }

  ValueId ones_like_a_row_of(ValueId x) {
    const Type type{rewriter_.type(x).dtype, {rewriter_.type(x).dims.back()}};
    const auto [at, is_new] = ones_.try_emplace({type.dtype, type.dims[0].factor}, kNone);
    if (is_new) {
      Tensor data(type.dtype, Shape{type.dims[0].factor});
      store(data.view(), std::vector<double>(static_cast<size_t>(type.dims[0].factor), 1));
      at->second = rewriter_.constant(fmt::format("ones.{}", type.dims[0].factor), std::move(data));
    }
    return at->second;
  }
  bool is_ones(ValueId id) const {
    return std::ranges::any_of(ones_, [&](const auto& entry) { return entry.second == id; });
  }

  // The other operand where one is a norm made here and the other a row; null without.
  const Node* norm_beside_row(const Node& node, std::string_view op, ValueId& row) const {
    for (size_t side : {0, 1}) {
      const Node* norm = rewriter_.made_by(node.inputs[side], op, node);
      row = node.inputs[1 - side];
      if (norm == nullptr || !is_read_once(node.inputs[side])) continue;
      const Type& x = rewriter_.type(norm->inputs[0]);
      if (rewriter_.type(row) == Type{x.dtype, {x.dims.back()}} &&
          can_be_read(node, norm->inputs[0])) {
        return norm;
      }
    }
    return nullptr;
  }

  void take_weight(Node& node) {
    ValueId row = kNone;
    if (const Node* norm = norm_beside_row(node, "layer_norm", row)) {
      if (norm->inputs.size() == 2 && is_ones(norm->inputs[1])) {
        become(node, "layer_norm", {norm->inputs[0], row}, norm->attrs.real("eps"));
      }
    } else if (const Node* rms = norm_beside_row(node, "rms_norm", row)) {
      if (rms->inputs.size() == 1) {
        become(node, "rms_norm", {rms->inputs[0], row}, rms->attrs.real("eps"));
      }
    }
  }

  void take_bias(Node& node) {
    ValueId row = kNone;
    const Node* norm = norm_beside_row(node, "layer_norm", row);
    if (norm == nullptr || norm->inputs.size() != 2) return;
    become(node, "layer_norm", {norm->inputs[0], norm->inputs[1], row}, norm->attrs.real("eps"));
  }

  Rewriter rewriter_;
  std::map<std::pair<DType, int64_t>, ValueId> ones_;
};

}  // namespace

Graph fuse_written_norms(Graph graph) {
  NormReader(graph).run();
  return dead_code(std::move(graph));
}

}  // namespace verge::graph
