// Element by element, of several tensors with broadcasting.

#include <cmath>

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

// The Graph's operators repeat the second input best, so the larger goes first where it may.
Value commutative(NodeContext& node, std::string_view op, Value a, Value b) {
  if (node.failed()) return {};
  const bool swap = node.shape(a).count() < node.shape(b).count();
  return node.emit(op, swap ? std::vector{b, a} : std::vector{a, b});
}

template <const char* op>
Status any_number(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  Value sum = node.in(0);
  for (size_t i = 1; i < node.input_count(); ++i) {
    VERGE_RETURN_IF_ERROR(node.require_inputs(i + 1));
    sum = commutative(node, op, sum, node.in(i));
  }
  node.set_output(0, sum);
  return {};
}

constexpr char kAdd[] = "add";
constexpr char kMul[] = "mul";
constexpr char kMaximum[] = "maximum";
constexpr char kMinimum[] = "minimum";

Status sub(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  node.set_output(0, node.emit("sub", {node.in(0), node.in(1)}));
  return {};
}

Status div(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  Value y = node.emit("div", {node.in(0), node.in(1)});
  if (!is_float(node.in(0).type) && y) y = node.emit("round", {y}, {{"mode", "trunc"}});
  node.set_output(0, y);
  return {};
}

// x - floor(x / y) * y, or with {fmod} by the quotient cut towards 0.
Status mod(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  const Value x = node.in(0), y = node.in(1);
  const Value quotient = node.emit("div", {x, y});
  if (!quotient) return {};
  const std::string mode = node.integer("fmod") != 0 ? "trunc" : "floor";
  const Value whole = node.emit("round", {quotient}, {{"mode", mode}});
  if (!whole) return {};
  node.set_output(0, node.emit("sub", {x, node.emit("mul", {whole, y})}));
  return {};
}

Status mean(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  Value sum = node.in(0);
  for (size_t i = 1; i < node.input_count(); ++i) {
    VERGE_RETURN_IF_ERROR(node.require_inputs(i + 1));
    sum = commutative(node, "add", sum, node.in(i));
  }
  if (!sum) return {};
  const double share = 1.0 / static_cast<double>(node.input_count());
  node.set_output(0, node.emit("scale", {sum}, {{"factor", share}}));
  return {};
}

Status pow(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  const Value x = node.in(0), exponent = node.in(1);
  if (node.is_known(exponent) && node.shape(exponent).count() == 1 &&
      node.rank(exponent) <= node.rank(x)) {
    const double power = node.values(exponent)[0];
    if (power == 2 || power == 0.5 || power == 1) {
      node.set_output(0, power == 2     ? node.emit("mul", {x, x})
                         : power == 0.5 ? node.emit("sqrt", {x})
                                        : x);
      return {};
    }
  }
  node.set_output(0, node.emit("pow", {x, exponent}));
  return {};
}

constexpr OnnxOp kOps[] = {
    {"Add", any_number<kAdd>},
    {"Div", div},
    {"Max", any_number<kMaximum>},
    {"Mean", mean},
    {"Min", any_number<kMinimum>},
    {"Mod", mod},
    {"Mul", any_number<kMul>},
    {"Pow", pow},
    {"Sub", sub},
    {"Sum", any_number<kAdd>},
};

}  // namespace

OpGroup arithmetic() {
  return {kOps};
}

}  // namespace verge::onnx::ops
