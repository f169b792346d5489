// The integer that {mode} names: "even" (the nearest, of two the even one), "floor", "ceil" or
// "trunc" (towards 0). No gradient: it is 0 wherever there is one.

#include <algorithm>
#include <cmath>
#include <iterator>

#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

struct Mode {
  std::string_view name;
  double (*round)(double x);
};

constexpr Mode kModes[] = {
    {"even", [](double x) { return std::nearbyint(x); }},
    {"floor", [](double x) { return std::floor(x); }},
    {"ceil", [](double x) { return std::ceil(x); }},
    {"trunc", [](double x) { return std::trunc(x); }},
};

const Mode* find_mode(const Attrs& attrs) {
  const auto* at = std::ranges::find(kModes, attrs.text("mode"), &Mode::name);
  return at == std::end(kModes) ? nullptr : at;
}

Status infer(InferContext& context) {
  if (find_mode(context.node.attrs) == nullptr) {
    return context.fail(fmt::format("mode is \"{}\"", context.node.attrs.text("mode")));
  }
  return infer_like_input(context);
}

void reference(const KernelCall& call) {
  map_unary(call, find_mode(call.attrs)->round);
}

}  // namespace

OpDef round() {
  return {.name = "round", .infer = infer, .reference = reference, .aliases = {{0, 0, false}}};
}

}  // namespace verge::graph::ops
