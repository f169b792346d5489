// Operators of one tensor, element by element.

#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/shared_code.hpp>

namespace verge::emit::ops {
namespace {

std::string count(const CNode& node) {
  return fmt::format("{}", node.out().count());
}

std::string unary_code(std::string_view name, std::string_view expression) {
  return fmt::format(R"(
static void op_{}(const float *x, float *y, long n) {{
  for (long i = 0; i < n; ++i) y[i] = {};
}}
)",
                     name, expression);
}

COp unary(std::string_view name, std::string_view expression) {
  return {name,
          {},
          unary_code(name, expression),
          {},
          1,
          [](CNode& node) {
            node.call(node.function(), node.read(0), node.write(), count(node)); }};
}

constexpr std::string_view kClip = R"(
/* y = x between low and high; bit i % 8 of mask[i / 8]: whether x[i] lies inside. */
static void op_clip(const float *x, float *y, uint8_t *mask, long n, float low, float high) {
  if (mask != NULL) {
    for (long i = 0; i < n; ++i) {
      const int bit = x[i] > low && x[i] < high ? 1 << i % 8 : 0;
      mask[i / 8] = (uint8_t)(i % 8 == 0 ? bit : mask[i / 8] | bit);
    }
  }
  if (y != NULL) {
    for (long i = 0; i < n; ++i) y[i] = x[i] < low ? low : x[i] > high ? high : x[i];
  }
}
)";

void clip(CNode& node, const std::string& low, const std::string& high) {
  node.call("op_clip", node.read(0), node.write(), node.write(1, DType::U8), node.in(0).count(),
            low, high);
}

constexpr std::string_view kApplyMask = R"(
static void op_apply_mask(const float *x, const uint8_t *mask, float *y, long n) {
  for (long i = 0; i < n; ++i) y[i] = mask[i / 8] >> i % 8 & 1 ? x[i] : 0;
}
)";

constexpr std::string_view kAffine = R"(
static void op_scale(const float *x, float *y, long n, float factor, float offset) {
  for (long i = 0; i < n; ++i) y[i] = x[i] * factor + offset;
}
)";

constexpr std::string_view kLeakyRelu = R"(
static void op_leaky_relu(const float *x, float *y, long n, float slope) {
  for (long i = 0; i < n; ++i) y[i] = x[i] > 0 ? x[i] : x[i] * slope;
}
)";

constexpr std::string_view kSoftcap = R"(
static void op_softcap(const float *x, float *y, long n, float cap) {
  for (long i = 0; i < n; ++i) y[i] = cap * tanhf(x[i] / cap);
}
)";

constexpr std::string_view kActivate = R"(
static void op_activate(const float *x, float *y, long n, enum activation kind) {
  for (long i = 0; i < n; ++i) y[i] = activate(kind, x[i]);
}
)";

void gelu(CNode& node) {
  const bool is_tanh = node.attrs().text("approximate", "tanh") != "none";
  node.call("op_activate", node.read(0), node.write(), count(node), is_tanh ? "GELU" : "GELU_ERF");
}

constexpr std::string_view kRound = R"(
enum rounding { EVEN, FLOOR, CEIL, TRUNC };

static void op_round(const float *x, float *y, long n, enum rounding mode) {
  for (long i = 0; i < n; ++i) {
    y[i] = mode == EVEN    ? nearbyintf(x[i])
           : mode == FLOOR ? floorf(x[i])
           : mode == CEIL  ? ceilf(x[i])
                           : truncf(x[i]);
  }
}
)";

void round_call(CNode& node) {
  const std::string_view mode = node.attrs().text("mode");
  node.call("op_round", node.read(0), node.write(), count(node),
            mode == "even"    ? "EVEN"
            : mode == "floor" ? "FLOOR"
            : mode == "ceil"  ? "CEIL"
                              : "TRUNC");
}

constexpr std::string_view kActivationSlope = R"(
enum slope_of {
  SLOPE_SIGMOID, SLOPE_TANH, SLOPE_SILU, SLOPE_GELU, SLOPE_GELU_ERF, SLOPE_HSWISH, SLOPE_HSIGMOID
};

/* The slope of an activation; saved is its result for sigmoid and tanh, its input for the others. */
static float slope(enum slope_of kind, float saved) {
  switch (kind) {
    case SLOPE_SIGMOID: return saved * (1 - saved);
    case SLOPE_TANH: return 1 - saved * saved;
    case SLOPE_SILU: {
      const float s = 1 / (1 + expf(-saved));
      return s * (1 + saved * (1 - s));
    }
    case SLOPE_GELU: {
      const float square = saved * saved;
      const float t = tanhf(0.797884561f * (saved + 0.044715f * saved * square));
      return 0.5f * (1 + t) +
             0.5f * saved * (1 - t * t) * 0.797884561f * (1 + 0.134145f * square);
    }
    case SLOPE_GELU_ERF:
      return 0.5f * (1 + erff(0.707106781f * saved)) +
             saved * 0.398942280f * expf(-0.5f * saved * saved);
    case SLOPE_HSWISH:
      return saved <= -3 ? 0 : saved >= 3 ? 1 : (2 * saved + 3) / 6;
    case SLOPE_HSIGMOID: break;
  }
  return saved > -3 && saved < 3 ? 1.0f / 6 : 0;
}

static void op_activation_grad(const float *saved, const float *dy, float *dx, long n,
                               enum slope_of kind) {
  for (long i = 0; i < n; ++i) dx[i] = dy[i] * slope(kind, saved[i]);
}
)";

void activation_grad(CNode& node) {
  const std::string_view of = node.attrs().text("of");
  const bool is_erf = node.attrs().text("approximate", "tanh") == "none";
  const char* kind = of == "sigmoid"    ? "SLOPE_SIGMOID"
                     : of == "tanh"     ? "SLOPE_TANH"
                     : of == "silu"     ? "SLOPE_SILU"
                     : of == "gelu"     ? (is_erf ? "SLOPE_GELU_ERF" : "SLOPE_GELU")
                     : of == "hswish"   ? "SLOPE_HSWISH"
                     : of == "hsigmoid" ? "SLOPE_HSIGMOID"
                                        : nullptr;
  if (kind == nullptr) return node.fail(fmt::format("the slope of {} has no C", of));
  node.call("op_activation_grad", node.read(0), node.read(1), node.write(), count(node), kind);
}

constexpr std::string_view kCopy = R"(
static void op_copy(const float *x, float *y, long n) {
  memmove(y, x, (size_t)n * sizeof(float));
}
)";

void relu(CNode& node) {
  clip(node, "0", "INFINITY");
}

void clip_between(CNode& node) {
  clip(node, c_float(node.attrs().real("min", -HUGE_VAL)),
       c_float(node.attrs().real("max", HUGE_VAL)));
}

void apply_mask(CNode& node) {
  node.call("op_apply_mask", node.read(0), node.read(1, DType::U8), node.write(), count(node));
}

void scale(CNode& node) {
  node.call("op_scale", node.read(0), node.write(), count(node),
            c_float(node.attrs().real("factor", 1)), c_float(node.attrs().real("offset", 0)));
}

void leaky_relu(CNode& node) {
  node.call("op_leaky_relu", node.read(0), node.write(), count(node),
            c_float(node.attrs().real("slope", 0.01)));
}

void softcap(CNode& node) {
  node.call("op_softcap", node.read(0), node.write(), count(node),
            c_float(node.attrs().real("cap", 1)));
}

void silu(CNode& node) {
  node.call("op_activate", node.read(0), node.write(), count(node), "SILU");
}

// Between real types, all of which are floats here.
void cast(CNode& node) {
  node.call("op_copy", node.read(0), node.write(), count(node));
}

}  // namespace

COpGroup elementwise() {
  const auto op = [](std::string_view name, size_t inputs, std::string_view code,
                     std::vector<std::string_view> attributes, void (*call)(CNode&),
                     std::vector<std::string_view> uses = {}) {
    return COp{name, std::move(uses), std::string(code), std::move(attributes), inputs, call};
  };
  return {{
      unary("sigmoid", "1 / (1 + expf(-x[i]))"),
      unary("tanh", "tanhf(x[i])"),
      unary("exp", "expf(x[i])"),
      unary("log", "logf(x[i])"),
      unary("sqrt", "sqrtf(x[i])"),
      unary("rsqrt", "1 / sqrtf(x[i])"),
      unary("erf", "erff(x[i])"),
      unary("hsigmoid", "fminf(fmaxf(x[i] / 6 + 0.5f, 0), 1)"),
      unary("hswish", "x[i] * fminf(fmaxf(x[i] / 6 + 0.5f, 0), 1)"),
      op("relu", 1, kClip, {}, relu),
      op("clip", 1, kClip, {"min", "max"}, clip_between),
      op("apply_mask", 2, kApplyMask, {}, apply_mask),
      op("scale", 1, kAffine, {"factor", "offset"}, scale),
      op("leaky_relu", 1, kLeakyRelu, {"slope"}, leaky_relu),
      op("softcap", 1, kSoftcap, {"cap"}, softcap),
      op("silu", 1, kActivate, {}, silu, {kActivation}),
      op("gelu", 1, kActivate, {"approximate"}, gelu, {kActivation}),
      op("activation_grad", 2, kActivationSlope, {"of", "approximate"}, activation_grad),
      op("round", 1, kRound, {"mode"}, round_call),
      op("cast", 1, kCopy, {"to"}, cast),
  }};
}

}  // namespace verge::emit::ops
