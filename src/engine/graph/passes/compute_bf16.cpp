#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/compute_bf16.hpp>

namespace verge::graph {

Graph compute_bf16(Graph graph) {
  for (Node& node : graph.nodes) {
    const std::string_view op = node.op->name;
    if (op == "linear" || op == "matmul" || op == "attention" || op == "attention_grad")
      node.attrs.set("compute", std::string("bf16"));
  }
  return graph;
}

}  // namespace verge::graph
