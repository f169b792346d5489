// Single elements and slices by computed places, and the largest elements.

#include <verge/engine/graph/op.hpp>
#include <verge/engine/onnx/lowering.hpp>

namespace verge::onnx::lowering {
namespace {

using format::onnx::ElementType;

std::string indices(Lowering& to) {
  return to.type(1).dtype == DType::I64 ? to.in(1) : to.cast(to.in(1), ElementType::Int64);
}

Status gather_elements(Lowering& to) {
  to.finish("GatherElements", {to.in(0), indices(to)},
            {attribute("axis", to.node.attrs.integer("axis"))});
  return {};
}

Status gather_nd(Lowering& to) {
  to.finish("GatherND", {to.in(0), indices(to)},
            {attribute("batch_dims", to.node.attrs.integer("batch_axes"))});
  return {};
}

Status scatter(Lowering& to, std::string_view op, Lowering::Attributes attributes) {
  const std::string reduction(to.node.attrs.text("reduction", "none"));
  if (reduction == "min" || reduction == "max") {
    return to.unsupported(fmt::format("{} is of opset 18", reduction));
  }
  attributes.push_back(attribute("reduction", reduction));
  to.finish(op, {to.in(0), indices(to), to.in(2)}, std::move(attributes));
  return {};
}

Status scatter_elements(Lowering& to) {
  return scatter(to, "ScatterElements", {attribute("axis", to.node.attrs.integer("axis"))});
}

Status scatter_nd(Lowering& to) {
  if (to.node.attrs.integer("batch_axes") != 0) return to.unsupported("it has batch axes");
  return scatter(to, "ScatterND", {});
}

Status top_k(Lowering& to) {
  const graph::Attrs& attrs = to.node.attrs;
  const auto places = to.finish_pair("TopK", {to.in(0), to.integers({attrs.integer("k")})},
                                     {attribute("axis", attrs.integer("axis")),
                                      attribute("largest", attrs.integer("largest", 1))});
  to.finish_cast(1, places, ElementType::Int32);
  return {};
}

constexpr LoweredOp kOps[] = {
    {"gather_elements", gather_elements},
    {"gather_nd", gather_nd},
    {"scatter_elements", scatter_elements},
    {"scatter_nd", scatter_nd},
    {"top_k", top_k, 2},
};

}  // namespace

LoweringGroup picking() {
  return {kOps};
}

}  // namespace verge::onnx::lowering
