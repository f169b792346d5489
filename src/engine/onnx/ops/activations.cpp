// Functions of one element.

#include <cmath>
#include <numbers>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

template <const char* op>
Status same(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  node.set_output(0, node.emit(op, {node.in(0)}));
  return {};
}

constexpr char kErf[] = "erf";
constexpr char kExp[] = "exp";
constexpr char kHswish[] = "hswish";
constexpr char kLog[] = "log";
constexpr char kRelu[] = "relu";
constexpr char kSigmoid[] = "sigmoid";
constexpr char kSqrt[] = "sqrt";
constexpr char kTanh[] = "tanh";

template <const char* mode>
Status rounding(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  node.set_output(0, node.emit("round", {node.in(0)}, {{"mode", std::string(mode)}}));
  return {};
}

constexpr char kEven[] = "even";
constexpr char kFloor[] = "floor";
constexpr char kCeil[] = "ceil";

/// What a function of one element is written with: each call emits an operator.
class Formula {
 public:
  explicit Formula(NodeContext& node) : node_(node) {}

  Value x() const { return node_.in(0); }
  Value affine(Value v, double factor, double offset) {
    return v ? node_.emit("scale", {v}, {{"factor", factor}, {"offset", offset}}) : v;
  }
  Value unary(std::string_view op, Value v) { return v ? node_.emit(op, {v}) : v; }
  Value binary(std::string_view op, Value a, Value b) {
    return a && b ? node_.emit(op, {a, b}) : Value{};
  }
  Value number(double value) { return node_.scalar(value, x().type); }
  Value largest(Value v, double bound) { return binary("maximum", v, number(bound)); }
  Value smallest(Value v, double bound) { return binary("minimum", v, number(bound)); }
  Value absolute(Value v) { return binary("maximum", v, affine(v, -1, 0)); }
  /// x > bound ? a : b
  Value above(double bound, Value a, Value b) {
    if (!a || !b) return {};
    const Value above = node_.emit_as(ElementType::Bool, "compare", {x(), number(bound)},
                                      {{"op", std::string("gt")}});
    return above ? node_.emit_as(a.type, "where", {above, a, b}) : above;
  }
  /// log(1 + e^v), which for large v is v.
  Value softplus(Value v) {
    const Value tail = unary("exp", affine(absolute(v), -1, 0));
    return binary("add", largest(v, 0), unary("log", affine(tail, 1, 1)));
  }
  /// scale * (x > 0 ? x : alpha * (e^(x / width) - 1))
  Value elu(double alpha, double scale, double width = 1) {
    const Value below = unary("exp", affine(smallest(x(), 0), 1 / width, 0));
    return affine(above(0, x(), affine(below, alpha, -alpha)), scale, 0);
  }

 private:
  NodeContext& node_;
};

/// An operator whose result `f` writes.
template <Value (*f)(NodeContext& node, Formula formula)>
Status formula(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const Value y = f(node, Formula(node));
  if (y) node.set_output(0, y);
  return {};
}

Value negative(NodeContext&, Formula f) {
  return f.affine(f.x(), -1, 0);
}
Value absolute(NodeContext&, Formula f) {
  return f.absolute(f.x());
}
Value softplus(NodeContext&, Formula f) {
  return f.softplus(f.x());
}
Value reciprocal(NodeContext&, Formula f) {
  return f.binary("div", f.number(1), f.x());
}

// (x > 0) - (x < 0)
Value sign(NodeContext& node, Formula f) {
  const auto holds = [&](const char* relation) {
    return node.convert(node.emit_as(ElementType::Bool, "compare", {f.x(), f.number(0)},
                                     {{"op", std::string(relation)}}),
                        f.x().type);
  };
  return f.binary("sub", holds("gt"), holds("lt"));
}

Value mish(NodeContext&, Formula f) {
  return f.binary("mul", f.x(), f.unary("tanh", f.softplus(f.x())));
}

Value softsign(NodeContext&, Formula f) {
  return f.binary("div", f.x(), f.affine(f.absolute(f.x()), 1, 1));
}

Value elu(NodeContext& node, Formula f) {
  return f.elu(node.real("alpha", 1), 1);
}

Value celu(NodeContext& node, Formula f) {
  const double alpha = node.real("alpha", 1);
  return f.elu(alpha, 1, alpha);
}

Value selu(NodeContext& node, Formula f) {
  return f.elu(node.real("alpha", 1.67326319217681884765625),
               node.real("gamma", 1.05070102214813232421875));
}

Value thresholded_relu(NodeContext& node, Formula f) {
  return f.above(node.real("alpha", 1), f.x(), f.number(0));
}

Value leaky_relu(NodeContext& node, Formula f) {
  return node.emit("leaky_relu", {f.x()}, {{"slope", node.real("alpha", 0.01)}});
}

Value swish(NodeContext& node, Formula f) {
  const double alpha = node.real("alpha", 1);
  if (alpha == 1) return f.unary("silu", f.x());
  return f.binary("mul", f.x(), f.unary("sigmoid", f.affine(f.x(), alpha, 0)));
}

// max(x, 0) + slope * min(x, 0), with a slope for each channel.
Value prelu(NodeContext& node, Formula f) {
  if (!node.has_input(1)) return {};
  return f.binary("add", f.largest(f.x(), 0), f.binary("mul", f.smallest(f.x(), 0), node.in(1)));
}

Value gelu(NodeContext& node, Formula f) {
  if (node.text("approximate", "none") == "tanh") return f.unary("gelu", f.x());
  const Value share = f.unary("erf", f.affine(f.x(), 1 / std::numbers::sqrt2, 0));
  return f.binary("mul", f.x(), f.affine(share, 0.5, 0.5));
}

Value hard_sigmoid(NodeContext& node, Formula f) {
  const double alpha = node.real("alpha", 0.2), beta = node.real("beta", 0.5);
  if (std::abs(alpha * 6 - 1) < 1e-6 && beta == 0.5) return f.unary("hsigmoid", f.x());
  return node.emit("clip", {f.affine(f.x(), alpha, beta)}, {{"min", 0.0}, {"max", 1.0}});
}

// Bounds are attributes before opset 11, then inputs.
Result<double> bound_of(NodeContext& node, size_t input, std::string_view attribute,
                        double otherwise) {
  if (!node.has_input(input)) return node.real(attribute, otherwise);
  VERGE_TRY(const auto values, node.known_reals(input));
  if (values.size() != 1) return node.malformed("its bounds are no single numbers");
  return values[0];
}

Status clip(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  const Value x = node.in(0);
  VERGE_TRY(const double low, bound_of(node, 1, "min", -HUGE_VAL));
  VERGE_TRY(const double high, bound_of(node, 2, "max", HUGE_VAL));
  if (!(low <= high)) return node.malformed(fmt::format("its bounds are {} and {}", low, high));
  if (node.dtype(x) == DType::F32) {
    node.set_output(0, node.emit("clip", {x}, {{"min", low}, {"max", high}}));
    return {};
  }
  Formula f(node);
  node.set_output(0, f.smallest(f.largest(x, low), high));
  return {};
}

constexpr OnnxOp kOps[] = {
    {"Abs", formula<absolute>},
    {"Ceil", rounding<kCeil>},
    {"Celu", formula<celu>},
    {"Clip", clip},
    {"Elu", formula<elu>},
    {"Erf", same<kErf>},
    {"Exp", same<kExp>},
    {"Floor", rounding<kFloor>},
    {"Gelu", formula<gelu>},
    {"HardSigmoid", formula<hard_sigmoid>},
    {"HardSwish", same<kHswish>},
    {"LeakyRelu", formula<leaky_relu>},
    {"Log", same<kLog>},
    {"Mish", formula<mish>},
    {"Neg", formula<negative>},
    {"PRelu", formula<prelu>},
    {"Reciprocal", formula<reciprocal>},
    {"Relu", same<kRelu>},
    {"Round", rounding<kEven>},
    {"Selu", formula<selu>},
    {"Sigmoid", same<kSigmoid>},
    {"Sign", formula<sign>},
    {"Softplus", formula<softplus>},
    {"Softsign", formula<softsign>},
    {"Sqrt", same<kSqrt>},
    {"Swish", formula<swish>},
    {"Tanh", same<kTanh>},
    {"ThresholdedRelu", formula<thresholded_relu>},
};

}  // namespace

OpGroup activations() {
  return {kOps};
}

}  // namespace verge::onnx::ops
