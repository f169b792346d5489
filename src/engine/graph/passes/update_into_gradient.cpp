#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/passes/update_into_gradient.hpp>

namespace verge::graph {
namespace {

bool is_plain_sgd(const Node& node) {
  return node.op->name == "sgd" && node.inputs[2] == kNone;
}

// a^T b over all rows.
bool is_weight_gradient(const Node& node) {
  return node.op->name == "matmul" && node.attrs.integer("transpose_a") != 0 &&
         node.attrs.integer("batched") == 0;
}

// Of a convolution of levels, whose update reads no other memory of the parameter.
bool is_level_gradient(const Node& update, const Node& product) {
  return update.op->name == "sgd_int8" && product.op->name == "conv2d_grad_weight";
}

bool is_fusible(const Node& update, const Node& product) {
  return (is_plain_sgd(update) && is_weight_gradient(product)) ||
         is_level_gradient(update, product);
}

Node level_update_of(const Node& update, const Node& product) {
  Node joint = update;
  joint.op = find_op("sgd_conv2d_int8");
  joint.attrs = product.attrs;
  for (const auto& [name, value] : update.attrs.entries()) joint.attrs.set(name, value);
  joint.inputs = {update.inputs[0], product.inputs[0], product.inputs[1]};
  joint.inputs.insert(joint.inputs.end(), update.inputs.begin() + 2, update.inputs.end());
  return joint;
}

Attrs joint_attrs(const Node& update, const Node& product) {
  Attrs attrs{{"weight_decay", update.attrs.real("weight_decay", 0)}};
  if (product.attrs.has("compute")) {
    attrs.set("compute", std::string(product.attrs.text("compute")));
  }
  return attrs;
}

}  // namespace

Graph update_into_gradient(Graph graph) {
  const auto producers = producers_of(graph);
  const auto readers = readers_of(graph);
  const auto overwritten = overwritten_values(graph);
  std::vector<bool> removed(graph.nodes.size());
  for (Node& update : graph.nodes) {
    if (!is_plain_sgd(update) && update.op->name != "sgd_int8") continue;
    const auto gradient = static_cast<size_t>(update.inputs[1]);
    const NodeId producer = producers[gradient];
    if (producer < 0 || readers[gradient].size() != 1 || graph.values[gradient].is_output) continue;
    const Node& product = graph.nodes[static_cast<size_t>(producer)];
    if (!is_fusible(update, product)) continue;
    // The product moves to the update's place: what it reads must still be there.
    const ValueId a = product.inputs[0], b = product.inputs[1];
    if (overwritten[static_cast<size_t>(a)] || overwritten[static_cast<size_t>(b)]) continue;
    if (is_level_gradient(update, product)) {
      update = level_update_of(update, product);
    } else {
      update.attrs = joint_attrs(update, product);
      update.inputs = {update.inputs[0], a, b, update.inputs[3]};
      update.op = find_op("sgd_matmul");
    }
    removed[static_cast<size_t>(producer)] = true;
  }
  remove_nodes(graph, removed);
  return graph;
}

}  // namespace verge::graph
