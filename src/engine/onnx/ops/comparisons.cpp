// Truth values: comparisons, logic, and choice by them.

#include <verge/engine/onnx/node_context.hpp>
#include <verge/engine/onnx/op_group.hpp>

namespace verge::onnx::ops {
namespace {

Value compare(NodeContext& node, Value a, Value b, std::string_view relation) {
  return node.emit_as(ElementType::Bool, "compare", {a, b}, {{"op", std::string(relation)}});
}

template <const char* relation>
Status comparison(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  node.set_output(0, compare(node, node.in(0), node.in(1), relation));
  return {};
}

constexpr char kEq[] = "eq";
constexpr char kLt[] = "lt";
constexpr char kLe[] = "le";
constexpr char kGt[] = "gt";
constexpr char kGe[] = "ge";
constexpr char kNe[] = "ne";

// Of zeros and ones.
template <const char* op>
Status logic(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(2));
  node.set_output(0, node.emit(op, {node.in(0), node.in(1)}));
  return {};
}

constexpr char kAnd[] = "minimum";
constexpr char kOr[] = "maximum";

Status negate(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  node.set_output(0, compare(node, node.in(0), node.scalar(0, ElementType::Bool), "eq"));
  return {};
}

Status is_nan(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(1));
  node.set_output(0, compare(node, node.in(0), node.in(0), "ne"));
  return {};
}

Status where(NodeContext& node) {
  VERGE_RETURN_IF_ERROR(node.require_inputs(3));
  const Value condition = node.truth(node.in(0));
  node.set_output(0, node.emit_as(node.in(1).type, "where", {condition, node.in(1), node.in(2)}));
  return {};
}

constexpr OnnxOp kOps[] = {
    {"And", logic<kAnd>},
    {"Equal", comparison<kEq>},
    {"Greater", comparison<kGt>},
    {"GreaterOrEqual", comparison<kGe>},
    {"IsNaN", is_nan},
    {"Less", comparison<kLt>},
    {"LessOrEqual", comparison<kLe>},
    {"Not", negate},
    {"Or", logic<kOr>},
    {"Where", where},
    {"Xor", comparison<kNe>},
};

}  // namespace

OpGroup comparisons() {
  return {kOps};
}

}  // namespace verge::onnx::ops
