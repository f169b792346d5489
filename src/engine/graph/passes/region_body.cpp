#include <algorithm>
#include <map>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/graph/passes/region_body.hpp>

namespace verge::graph {
namespace {

class BodyMaker {
 public:
  BodyMaker(const Graph& graph, const Region& region,
            const std::vector<std::vector<NodeId>>& readers)
      : graph_(graph), region_(region), readers_(readers) {
    made_.body.name = "region";
  }

  RegionBody run() {
    for (const NodeId n : region_) {
      for (const ValueId id : graph_.nodes[static_cast<size_t>(n)].outputs) {
        if (id != kNone) own_[id] = kNone;
      }
    }
    for (const NodeId n : region_) {
      Node node = graph_.nodes[static_cast<size_t>(n)];
      for (ValueId& id : node.inputs) {
        if (id != kNone) id = inside(id);
      }
      for (ValueId& id : node.outputs) {
        if (id != kNone) id = define(id);
      }
      made_.body.nodes.push_back(std::move(node));
    }
    return std::move(made_);
  }

 private:
  ValueId add(const std::string& name, const Type& type, ValueKind kind) {
    Value value;
    value.name = name;
    value.type = type;
    value.kind = kind;
    made_.body.values.push_back(std::move(value));
    return static_cast<ValueId>(made_.body.values.size() - 1);
  }

  // What a node of the region reads, by its number in the body.
  ValueId inside(ValueId id) {
    if (const auto own = own_.find(id); own != own_.end()) return own->second;
    const auto [known, is_new] = outer_.try_emplace(id, kNone);
    if (is_new) known->second = add_input(id);
    return known->second;
  }

  ValueId add_input(ValueId id) {
    const Value& value = graph_.value(id);
    const bool is_given = value.kind == ValueKind::Input || value.kind == ValueKind::Activation;
    const int64_t bytes = bound_bytes(graph_, id);
    if (is_given) made_.given.push_back(made_.inputs.size());
    (is_given ? made_.bytes_in : made_.weight_bytes) += bytes;
    made_.inputs.push_back(id);
    return add(value.name, value.type, is_given ? ValueKind::Input : ValueKind::Param);
  }

  ValueId define(ValueId id) {
    const Value& value = graph_.value(id);
    const auto& readers = readers_[static_cast<size_t>(id)];
    const bool leaves = value.is_output || std::ranges::any_of(readers, [&](NodeId reader) {
                          return std::ranges::find(region_, reader) == region_.end();
                        });
    if (leaves) {
      made_.outputs.push_back(id);
      made_.bytes_out += bound_bytes(graph_, id);
    }
    const ValueId inner = add(value.name, value.type, ValueKind::Activation);
    made_.body.value(inner).is_output = leaves;
    return own_[id] = inner;
  }

  const Graph& graph_;
  const Region& region_;
  const std::vector<std::vector<NodeId>>& readers_;
  RegionBody made_;
  std::map<ValueId, ValueId> own_, outer_;
};

}  // namespace

RegionBody make_body(const Graph& graph, const Region& region,
                     const std::vector<std::vector<NodeId>>& readers) {
  return BodyMaker(graph, region, readers).run();
}

RegionBody body_of_node(const Graph& graph, const Node& node) {
  Graph alone;
  alone.name = graph.name;
  alone.symbols = graph.symbols;
  alone.values = graph.values;
  for (const ValueId id : node.outputs) {
    if (id != kNone) alone.value(id).is_output = true;
  }
  alone.nodes = {node};
  return make_body(alone, {0}, readers_of(alone));
}

}  // namespace verge::graph
