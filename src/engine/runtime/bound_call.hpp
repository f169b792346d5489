#pragma once
// BoundCall: a call of a node at the upper bounds, before anything has memory: what kernels are
// asked by, at compile time, for what they support, want and need. Internal to this module.

#include <vector>

#include <verge/engine/graph/ir.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::runtime {

struct BoundCall {
  std::vector<TensorView> inputs, outputs;
  const graph::Node& node;

  BoundCall(const graph::Graph& graph, const graph::Node& of) : node(of) {
    for (const graph::ValueId id : of.inputs) inputs.push_back(view(graph, id));
    for (const graph::ValueId id : of.outputs) outputs.push_back(view(graph, id));
  }
  static TensorView view(const graph::Graph& graph, graph::ValueId id) {
    // Kernels tell by the address what a call has from what it lacks.
    static std::byte present;
    if (id == graph::kNone) return {};
    const graph::Type& type = graph.value(id).type;
    return {&present, type.dtype, graph.bound_shape(type)};
  }
  graph::KernelCall call(uint32_t packed, std::string_view choice = {}) const {
    return {inputs, outputs, node.attrs, nullptr, packed, choice};
  }
};

}  // namespace verge::runtime
