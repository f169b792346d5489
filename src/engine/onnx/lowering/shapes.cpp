// What moves elements and computes nothing.

#include <algorithm>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/onnx/lowering.hpp>

namespace verge::onnx::lowering {
namespace {

using List = std::vector<int64_t>;

Status reshape(Lowering& to) {
  List extents;
  for (const graph::Dim& dim : to.result_type().dims) {
    extents.push_back(dim.is_constant() ? dim.factor : -1);
  }
  if (std::ranges::count(extents, -1) > 1) return to.unsupported("two extents are open");
  to.finish("Reshape", {to.in(0), to.integers(extents)});
  return {};
}

Status transpose(Lowering& to) {
  to.finish("Transpose", {to.in(0)}, {attribute("perm", to.node.attrs.list("perm"))});
  return {};
}

Status slice(Lowering& to) {
  const graph::Attrs& attrs = to.node.attrs;
  const int64_t start = attrs.integer("start");
  to.finish("Slice", {to.in(0), to.integers({start}), to.integers({start + attrs.integer("size")}),
                      to.integers({attrs.integer("axis")})});
  return {};
}

Status concat(Lowering& to) {
  std::vector<std::string> inputs;
  for (size_t i = 0; i < to.node.inputs.size(); ++i) inputs.push_back(to.in(i));
  to.finish("Concat", std::move(inputs), {attribute("axis", to.node.attrs.integer("axis"))});
  return {};
}

Status gather(Lowering& to) {
  const DType held = to.type(1).dtype;
  const bool is_index = held == DType::I32 || held == DType::I64;
  const std::string indices =
      is_index ? to.in(1) : to.cast(to.in(1), format::onnx::ElementType::Int64);
  to.finish("Gather", {to.in(0), indices}, {attribute("axis", to.node.attrs.integer("axis"))});
  return {};
}

Status broadcast_to(Lowering& to) {
  List extents;
  for (const graph::Dim& dim : to.result_type().dims) {
    if (!dim.is_constant()) return to.unsupported("an extent is open");
    extents.push_back(dim.factor);
  }
  to.finish("Expand", {to.in(0), to.integers(extents)});
  return {};
}

Status pad(Lowering& to) {
  List pads = to.node.attrs.list("before");
  const List& after = to.node.attrs.list("after");
  pads.insert(pads.end(), after.begin(), after.end());
  to.finish("Pad", {to.in(0), to.integers(pads), to.number(to.node.attrs.real("value", 0))});
  return {};
}

constexpr LoweredOp kOps[] = {
    {"broadcast_to", broadcast_to},
    {"concat", concat},
    {"gather", gather},
    {"gather_rows", gather},
    {"pad", pad},
    {"reshape", reshape},
    {"slice", slice},
    {"transpose", transpose},
};

}  // namespace

LoweringGroup shapes() {
  return {kOps};
}

}  // namespace verge::onnx::lowering
