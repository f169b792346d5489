// 1 where a {op} b holds, else 0, as u8, with broadcasting; {op}: lt, le, gt, ge, eq or ne.

#include <algorithm>

#include <verge/engine/graph/elementwise.hpp>

namespace verge::graph::ops {
namespace {

struct Relation {
  std::string_view name;
  bool (*holds)(double a, double b);
};

constexpr Relation kRelations[] = {
    {"lt", [](double a, double b) { return a < b; }},
    {"le", [](double a, double b) { return a <= b; }},
    {"gt", [](double a, double b) { return a > b; }},
    {"ge", [](double a, double b) { return a >= b; }},
    {"eq", [](double a, double b) { return a == b; }},
    {"ne", [](double a, double b) { return a != b; }},
};

const Relation* find_relation(const Attrs& attrs) {
  const auto* at = std::ranges::find(kRelations, attrs.text("op"), &Relation::name);
  return at == std::end(kRelations) ? nullptr : at;
}

Status infer(InferContext& context) {
  if (find_relation(context.node.attrs) == nullptr) {
    return context.fail(fmt::format("op is \"{}\"", context.node.attrs.text("op")));
  }
  VERGE_RETURN_IF_ERROR(infer_broadcast(context));
  context.outputs[0].dtype = DType::U8;
  return {};
}

void reference(const KernelCall& call) {
  const auto holds = find_relation(call.attrs)->holds;
  map_binary(call, [&](double a, double b) { return holds(a, b) ? 1.0 : 0.0; });
}

}  // namespace

OpDef compare() {
  return {.name = "compare", .infer = infer, .reference = reference};
}

}  // namespace verge::graph::ops
