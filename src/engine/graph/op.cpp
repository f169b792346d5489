#include <algorithm>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/text_form.hpp>

namespace verge::graph {
namespace ops {
std::span<const OpDef> table();  // generated from the files of ops/
}

std::span<const OpDef> all_ops() {
  return ops::table();
}

const OpDef* find_op(std::string_view name) {
  const auto table = all_ops();
  const auto at = std::ranges::lower_bound(table, name, {}, &OpDef::name);
  return at != table.end() && at->name == name ? &*at : nullptr;
}

Cost cost_of(const OpDef& op, const KernelCall& call) {
  if (op.cost != nullptr) return op.cost(call);
  Cost cost;
  for (const TensorView& input : call.inputs) {
    if (input.data != nullptr) cost.bytes += static_cast<double>(input.bytes());
  }
  for (const TensorView& output : call.outputs) {
    if (output.data == nullptr) continue;
    cost.bytes += static_cast<double>(output.bytes());
    cost.flops += static_cast<double>(output.shape.count());
  }
  return cost;
}

std::string InferContext::show(size_t input) const {
  return has(input) ? show_type(graph, type(input)) : "absent";
}

Error InferContext::fail(std::string_view message) const {
  std::string inputs;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    inputs += fmt::format("{}{}", i == 0 ? "" : ", ", show(i));
  }
  return make_error(Code::Malformed, "{}{}: {}; its inputs are {}", node.op->name,
                    node.source.empty() ? "" : fmt::format(" ({})", node.source), message, inputs);
}

Status InferContext::require_inputs(size_t count) const {
  for (size_t i = 0; i < count; ++i) {
    if (!has(i)) return fail(fmt::format("input {} is missing", i));
  }
  return {};
}

}  // namespace verge::graph
