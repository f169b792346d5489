#include <algorithm>

#include <verge/engine/graph/delegate_body.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/pass.hpp>
#include <verge/engine/runtime/bound_regions.hpp>

namespace verge::runtime {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::NodeId;
using graph::ValueId;
using graph::ValueKind;

Result<Backend*> find_backend(const Backends& backends, std::string_view name) {
  const auto at = std::ranges::find_if(backends, [&](const auto& b) { return b->name() == name; });
  if (at != backends.end()) return at->get();
  return make_error(Code::Unsupported,
                    "the plan has nodes for the backend \"{}\", which is not there; compile it "
                    "without, or give the backend",
                    name);
}

class Binder {
 public:
  Binder(const Graph& graph, PlanValues& values, ThreadPool& pool, BoundRegions& bound)
      : graph_(graph), values_(values), pool_(pool), bound_(bound) {}

  Status bind(NodeId id) {
    const Node& node = graph_.nodes[static_cast<size_t>(id)];
    const std::string_view name = node.attrs.text("backend");
    VERGE_TRY(Backend * backend, find_backend(bound_.backends, name));
    if (backend->memory_bytes().has_value() != node.op->puts_elsewhere(node.attrs)) {
      return make_error(Code::Malformed, "a delegate and {} disagree on whose memory it works in",
                        name);
    }
    VERGE_TRY(const Graph body, graph::parse_body(node.attrs.text("body")));
    if (std::ranges::count(node.outputs, kNone) > 0) {
      return make_error(Code::Malformed, "an output of a delegate has no value");
    }
    VERGE_RETURN_IF_ERROR(check_weights(node, body));
    for (const Node& inner : body.nodes) VERGE_RETURN_IF_ERROR(check(*backend, body, inner));
    std::vector<TensorView> inputs;
    for (const ValueId input : node.inputs) inputs.push_back(values_.view(input));
    VERGE_TRY(auto region, backend->compile(body, inputs, pool_));
    if (node.op->puts_elsewhere(node.attrs)) VERGE_RETURN_IF_ERROR(place(node, *region));
    bound_.by_node[id] = std::move(region);
    return {};
  }

  // Values of a backend's memory are read by copies and delegates alone, and have a place.
  Status check_border() const {
    const auto readers = graph::readers_of(graph_);
    for (const Node& node : graph_.nodes) {
      if (!node.op->puts_elsewhere(node.attrs)) continue;
      for (const ValueId id : node.outputs) {
        if (id == kNone) continue;
        const auto reads_there = [&](NodeId reader) {
          return is_border(node, graph_.nodes[static_cast<size_t>(reader)]);
        };
        const bool is_read = std::ranges::all_of(readers[static_cast<size_t>(id)], reads_there);
        if (is_read && values_.view(id).data != nullptr && !graph_.value(id).is_output) continue;
        return make_error(Code::Malformed,
                          "{} lies in a backend's memory and is read past its border",
                          graph_.value(id).name);
      }
    }
    return {};
  }

 private:
  // After a copy to a backend its delegate, after a delegate a copy from it.
  static bool is_border(const Node& node, const Node& reader) {
    if (node.op->name == "copy") {
      return reader.op->name == "delegate" && reader.attrs.text("backend") == node.attrs.text("to");
    }
    return reader.op->name == "copy" && reader.attrs.text("from") == node.attrs.text("backend");
  }

  // What the body takes for known when a plan is bound must be that.
  Status check_weights(const Node& node, const Graph& body) const {
    const std::vector<bool> overwritten = graph::overwritten_values(graph_);
    const std::vector<ValueId> inner = graph::body_inputs(body);
    for (size_t i = 0; i < inner.size(); ++i) {
      if (body.value(inner[i]).kind != ValueKind::Param) continue;
      const graph::Value& value = graph_.value(node.inputs[i]);
      const bool is_known = value.kind == ValueKind::Param || value.kind == ValueKind::Const;
      if (is_known && !overwritten[static_cast<size_t>(node.inputs[i])]) continue;
      return make_error(Code::Malformed, "{} is no weight, a delegate takes it for one",
                        value.name);
    }
    return {};
  }

  static Status check(const Backend& backend, const Graph& body, const Node& node) {
    const std::vector<std::string> reasons = backend.refusals(body, node);
    if (reasons.empty()) return {};
    return make_error(Code::Unsupported, "{} cannot run {} ({}): {}; compile the plan anew",
                      backend.name(), node.op->name, node.source, fmt::join(reasons, "; "));
  }

  Status place(const Node& node, BackendRegion& region) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      std::byte* place = region.input_place(i);
      if (place == nullptr) continue;
      const Node* made = producer(node.inputs[i]);
      if (made == nullptr || made->attrs.text("to").empty() ||
          values_.view(node.inputs[i]).data != nullptr) {
        return make_error(Code::Malformed, "{} is not copied to {} for one of its delegates alone",
                          graph_.value(node.inputs[i]).name, node.attrs.text("backend"));
      }
      values_.put(node.inputs[i], place);
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      values_.put(node.outputs[i], region.output_place(i));
    }
    return {};
  }

  const Node* producer(ValueId id) const {
    for (const Node& node : graph_.nodes) {
      if (std::ranges::find(node.outputs, id) == node.outputs.end()) continue;
      return node.op->name == "copy" ? &node : nullptr;
    }
    return nullptr;
  }

  const Graph& graph_;
  PlanValues& values_;
  ThreadPool& pool_;
  BoundRegions& bound_;
};

}  // namespace

BackendRegion* BoundRegions::of(NodeId node) const {
  const auto at = by_node.find(node);
  return at == by_node.end() ? nullptr : at->second.get();
}

int64_t BoundRegions::bytes() const {
  int64_t sum = 0;
  for (const auto& [node, region] : by_node) sum += region->bytes();
  return sum;
}

Result<BoundRegions> bind_regions(const Graph& graph, PlanValues& values, const Backends& backends,
                                  ThreadPool& pool) {
  BoundRegions bound{backends, {}};
  Binder binder(graph, values, pool, bound);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].op->name != "delegate") continue;
    VERGE_RETURN_IF_ERROR(binder.bind(static_cast<NodeId>(n)));
  }
  VERGE_RETURN_IF_ERROR(binder.check_border());
  return bound;
}

}  // namespace verge::runtime
