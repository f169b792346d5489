#include <cmath>
#include <numbers>
#include <optional>

#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fuse_activations.hpp>
#include <verge/engine/graph/passes/rewriter.hpp>

namespace verge::graph {
namespace {

constexpr double kTanhFactor = 0.79788456080286535588;  // sqrt(2 / pi)
constexpr double kRounded = 1e-4;                       // of the constants of the tanh form

class ActivationFuser {
 public:
  explicit ActivationFuser(Graph& graph) : rewriter_(graph) {}

  void run() {
    rewriter_.for_each_node([&](Node& node) {
      if (node.outputs.empty() || node.outputs[0] == kNone) return true;
      const std::string_view op = node.op->name;
      if (op == "clip") as_hsigmoid(node);
      if (op == "mul") as_gate(node);
      return op != "scale" || !undoes_a_scale(node);
    });
  }

 private:
  // The node becomes factor * op(x) + offset.
  void become(Node& node, std::string_view op, ValueId x, Attrs attrs, double factor,
              double offset = 0) {
    if (is_nearly(factor, 1) && offset == 0) {
      node.op = find_op(op);
      node.inputs = {x};
      node.attrs = std::move(attrs);
    } else {
      node.inputs = {rewriter_.before(node, op, {x}, std::move(attrs))};
      node.op = find_op("scale");
      node.attrs = {{"factor", factor}, {"offset", offset}};
    }
    node.outputs.resize(1);
  }

  bool can_be_read(const Node& node, ValueId x) const {
    return rewriter_.may_read(x) && rewriter_.type(x) == rewriter_.type(node.outputs[0]);
  }

  // What brings a value back that was scaled in the node before: x * 6 / 6.
  bool undoes_a_scale(Node& node) const {
    const double factor = node.attrs.real("factor", 1), offset = node.attrs.real("offset", 0);
    const auto views = rewriter_.scaled(node.inputs[0], node);
    for (size_t i = views.size(); i-- > 1;) {
      const ScaledValue& x = views[i];
      if (!can_be_read(node, x.base)) continue;
      node.inputs[0] = x.base;
      node.attrs = {{"factor", factor * x.factor}, {"offset", factor * x.offset + offset}};
      break;
    }
    return is_nearly(node.attrs.real("factor", 1), 1) && node.attrs.real("offset", 0) == 0 &&
           rewriter_.may_vanish(node);
  }

  // clip(f x + o, low, high) that rises between -3 and 3.
  void as_hsigmoid(Node& clip) {
    const double low = clip.attrs.real("min", -HUGE_VAL), high = clip.attrs.real("max", HUGE_VAL);
    const double height = high - low;
    const bool has_mask = clip.outputs.size() > 1 && clip.outputs[1] != kNone;
    if (has_mask || !(height > 0) || std::isinf(height)) return;
    if (rewriter_.uses(clip.inputs[0]) != 1) return;
    for (const ScaledValue& x : rewriter_.scaled(clip.inputs[0], clip)) {
      if (!is_nearly(x.factor * 6, height) || !is_nearly(x.offset - low, height / 2)) continue;
      if (can_be_read(clip, x.base)) return become(clip, "hsigmoid", x.base, {}, height, low);
    }
  }

  // x times a function of x between 0 and 1.
  void as_gate(Node& product) {
    for (size_t side : {0, 1}) {
      if (rewriter_.uses(product.inputs[side]) != 1) continue;
      const auto share = rewriter_.scaled(product.inputs[side], product).back();
      for (const ScaledValue& x : rewriter_.scaled(product.inputs[1 - side], product)) {
        if (x.offset != 0 || !can_be_read(product, x.base)) continue;
        if (as_gate_of(product, x, share)) return;
      }
    }
  }

  bool as_gate_of(Node& product, const ScaledValue& x, const ScaledValue& share) {
    const double factor = x.factor * share.factor;
    const auto is_of_x = [&](std::string_view op) {
      const Node* made = rewriter_.made_by(share.base, op, product);
      return made != nullptr && made->inputs[0] == x.base;
    };
    if (share.offset == 0) {
      if (!is_of_x("sigmoid") && !is_of_x("hsigmoid")) return false;
      become(product, is_of_x("sigmoid") ? "silu" : "hswish", x.base, {}, factor);
      return true;
    }
    if (!is_nearly(share.offset, share.factor)) return false;  // 1 + erf, 1 + tanh
    if (is_erf_of(share.base, x.base, product)) {
      become(product, "gelu", x.base, {{"approximate", std::string("none")}}, 2 * factor);
      return true;
    }
    if (!is_tanh_of(share.base, x.base, product)) return false;
    become(product, "gelu", x.base, {{"approximate", std::string("tanh")}}, 2 * factor);
    return true;
  }

  // The value is `factor` times a base for which `holds`.
  template <typename F>
  bool is_scaled(ValueId id, double factor, double tolerance, const Node& like, F holds) const {
    for (const ScaledValue& view : rewriter_.scaled(id, like)) {
      if (view.offset == 0 && is_nearly(view.factor, factor, tolerance) && holds(view.base)) {
        return true;
      }
    }
    return false;
  }
  bool is_multiple_of(ValueId id, double factor, double tolerance, ValueId x,
                      const Node& like) const {
    return is_scaled(id, factor, tolerance, like, [&](ValueId base) { return base == x; });
  }

  // erf(x / sqrt(2))
  bool is_erf_of(ValueId id, ValueId x, const Node& like) const {
    const Node* erf = rewriter_.made_by(id, "erf", like);
    return erf != nullptr && is_multiple_of(erf->inputs[0], 1 / std::numbers::sqrt2, 1e-6, x, like);
  }

  // tanh(sqrt(2/pi) (x + 0.044715 x^3)), also as sqrt(2/pi) x (1 + 0.044715 x^2).
  bool is_tanh_of(ValueId id, ValueId x, const Node& like) const {
    const Node* tanh = rewriter_.made_by(id, "tanh", like);
    if (tanh == nullptr) return false;
    return is_scaled(tanh->inputs[0], kTanhFactor, kRounded, like,
                     [&](ValueId u) { return is_cubic_of(u, x, like); }) ||
           is_factored_cubic(tanh->inputs[0], x, like);
  }

  bool is_cubic_of(ValueId id, ValueId x, const Node& like) const {
    if (const Node* sum = rewriter_.made_by(id, "add", like)) {
      for (size_t side : {0, 1}) {
        if (sum->inputs[side] != x) continue;
        if (is_scaled(sum->inputs[1 - side], 0.044715, kRounded, like,
                      [&](ValueId cube) { return is_cube_of(cube, x, like); })) {
          return true;
        }
      }
    }
    return is_product_with_square(id, 1, x, like);
  }
  bool is_factored_cubic(ValueId id, ValueId x, const Node& like) const {
    return is_product_with_square(id, kTanhFactor, x, like);
  }

  // factor * x * (1 + 0.044715 x^2)
  bool is_product_with_square(ValueId id, double factor, ValueId x, const Node& like) const {
    const Node* product = rewriter_.made_by(id, "mul", like);
    if (product == nullptr) return false;
    for (size_t side : {0, 1}) {
      if (!is_multiple_of(product->inputs[side], factor, kRounded, x, like)) continue;
      for (const ScaledValue& square : rewriter_.scaled(product->inputs[1 - side], like)) {
        if (is_nearly(square.factor, 0.044715, kRounded) && square.offset == 1 &&
            is_square_of(square.base, x, like)) {
          return true;
        }
      }
    }
    return false;
  }

  bool is_square_of(ValueId id, ValueId x, const Node& like) const {
    const Node* product = rewriter_.made_by(id, "mul", like);
    if (product != nullptr) return product->inputs[0] == x && product->inputs[1] == x;
    return is_power_of(id, x, 2, like);
  }

  bool is_cube_of(ValueId id, ValueId x, const Node& like) const {
    const Node* product = rewriter_.made_by(id, "mul", like);
    if (product == nullptr) return is_power_of(id, x, 3, like);
    for (size_t side : {0, 1}) {
      if (product->inputs[side] == x && is_square_of(product->inputs[1 - side], x, like)) {
        return true;
      }
    }
    return false;
  }

  bool is_power_of(ValueId id, ValueId x, double exponent, const Node& like) const {
    const Node* power = rewriter_.made_by(id, "pow", like);
    return power != nullptr && power->inputs[0] == x &&
           number_of(rewriter_.graph(), power->inputs[1]) == exponent;
  }

  Rewriter rewriter_;
};

}  // namespace

Graph fuse_activations(Graph graph) {
  ActivationFuser(graph).run();
  return dead_code(std::move(graph));
}

}  // namespace verge::graph
