#include <algorithm>
#include <cmath>
#include <numbers>

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph {
namespace {

constexpr double kSqrt2OverPi = 0.79788456080286535588;  // sqrt(2 / pi)
constexpr double kGeluCubic = 0.044715;

double gelu_slope(double x) {
  const double t = std::tanh(kSqrt2OverPi * (x + kGeluCubic * x * x * x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * kSqrt2OverPi * (1 + 3 * kGeluCubic * x * x);
}

double gelu_erf_slope(double x) {
  const double density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
  return 0.5 * (1 + std::erf(x / std::numbers::sqrt2)) + x * density;
}

double silu_slope(double x) {
  const double s = sigmoid_of(x);
  return s * (1 + x * (1 - s));
}

double hswish_slope(double x) {
  return x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6;
}

struct Slope {
  std::string_view of;
  double (*at)(const Attrs& attrs, double saved);
};

constexpr Slope kSlopes[] = {
    {"gelu",
     [](const Attrs& attrs, double x) {
       return attrs.text("approximate", "tanh") == "none" ? gelu_erf_slope(x) : gelu_slope(x);
     }},
    {"hsigmoid", [](const Attrs&, double x) { return x > -3 && x < 3 ? 1.0 / 6 : 0; }},
    {"hswish", [](const Attrs&, double x) { return hswish_slope(x); }},
    {"leaky_relu",
     [](const Attrs& attrs, double x) { return x > 0 ? 1.0 : attrs.real("slope", 0.01); }},
    {"sigmoid", [](const Attrs&, double y) { return y * (1 - y); }},
    {"silu", [](const Attrs&, double x) { return silu_slope(x); }},
    {"softcap",
     [](const Attrs& attrs, double y) {
       const double t = y / attrs.real("cap", 1);
       return 1 - t * t;
     }},
    {"tanh", [](const Attrs&, double y) { return 1 - y * y; }},
};

}  // namespace

double sigmoid_of(double x) {
  return 1 / (1 + std::exp(-x));
}

double silu_of(double x) {
  return x * sigmoid_of(x);
}

double gelu_of(double x) {
  return 0.5 * x * (1 + std::tanh(kSqrt2OverPi * (x + kGeluCubic * x * x * x)));
}

double gelu_erf_of(double x) {
  return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
}

double hsigmoid_of(double x) {
  return std::clamp(x / 6 + 0.5, 0.0, 1.0);
}

double hswish_of(double x) {
  return x * hsigmoid_of(x);
}

double (*fused_activation(std::string_view name))(double) {
  if (name.empty() || name == "none") return [](double x) { return x; };
  if (name == "relu") return [](double x) { return std::max(x, 0.0); };
  if (name == "relu6") return [](double x) { return std::clamp(x, 0.0, 6.0); };
  if (name == "silu") return silu_of;
  if (name == "sigmoid") return sigmoid_of;
  if (name == "hswish") return hswish_of;
  if (name == "hsigmoid") return hsigmoid_of;
  if (name == "gelu") return gelu_of;
  if (name == "gelu_erf") return gelu_erf_of;
  return nullptr;
}

double activation_slope(std::string_view of, const Attrs& attrs, double saved) {
  return std::ranges::find(kSlopes, of, &Slope::of)->at(attrs, saved);
}

bool has_activation_slope(std::string_view of) {
  return std::ranges::find(kSlopes, of, &Slope::of) != std::end(kSlopes);
}

ValueId emit_activation_grad(GradientContext& context, ValueId saved) {
  Attrs attrs = context.node.attrs;
  attrs.set("of", std::string(context.node.op->name));
  return context.builder.op("activation_grad", {saved, context.grad()}, attrs);
}

ValueId emit_fused_activation_grad(Builder& builder, std::string_view name, ValueId z, ValueId dy) {
  if (name.empty() || name == "none") return dy;
  if (name == "silu" || name == "hswish" || name == "hsigmoid") {
    return builder.op("activation_grad", {z, dy}, {{"of", std::string(name)}});
  }
  if (name == "sigmoid") {
    return builder.op("activation_grad", {builder.op("sigmoid", {z}), dy}, {{"of", "sigmoid"}});
  }
  if (name == "relu" || name == "relu6") {
    const auto clipped = name == "relu" ? builder.op_all("relu", {z})
                                        : builder.op_all("clip", {z}, {{"min", 0.0}, {"max", 6.0}});
    return clipped.empty() ? kNone : builder.op("apply_mask", {dy, clipped[1]});
  }
  const std::string approximate = name == "gelu" ? "tanh" : "none";
  return builder.op("activation_grad", {z, dy}, {{"of", "gelu"}, {"approximate", approximate}});
}

Status infer_glu_grad(InferContext& context) {
  VERGE_RETURN_IF_ERROR(context.require_inputs(3));
  VERGE_RETURN_IF_ERROR(infer_same_shape(context));
  context.outputs.push_back(context.outputs[0]);
  return {};
}

void emit_glu_grad(GradientContext& context, std::string_view op) {
  const std::vector<ValueId> grads =
      context.builder.op_all(op, {context.input(0), context.input(1), context.grad()});
  if (grads.empty()) return;
  for (size_t i = 0; i < 2; ++i) {
    if (context.needs(i)) context.set(i, grads[i]);
  }
}

void glu_grad_reference(const KernelCall& call, std::string_view of, double (*activation)(double)) {
  const std::vector<double> gate = load(call.in(0)), up = load(call.in(1)), dy = load(call.in(2));
  std::vector<double> dgate(gate.size()), dup(gate.size());
  for (size_t i = 0; i < gate.size(); ++i) {
    dgate[i] = dy[i] * up[i] * activation_slope(of, call.attrs, gate[i]);
    dup[i] = dy[i] * activation(gate[i]);
  }
  store_wanted(call, 0, dgate);
  store_wanted(call, 1, dup);
}

}  // namespace verge::graph
