#include <algorithm>

#include <verge/engine/graph/memory_check.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::graph {
namespace {

constexpr int64_t kRequiredAlignment = 64;

struct Place {
  int64_t begin = 0, end = 0;
  bool operator==(const Place&) const = default;
};

bool overlap(const Place& a, const Place& b) {
  return a.begin < b.end && b.begin < a.end;
}

class MemoryChecker {
 public:
  MemoryChecker(const Graph& graph, const MemoryPlan& plan) : graph_(graph), plan_(plan) {}

  Status run() {
    VERGE_RETURN_IF_ERROR(check_tables());
    find_last_reads();
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      node_ = static_cast<NodeId>(n);
      VERGE_RETURN_IF_ERROR(visit(graph_.nodes[n]));
    }
    return {};
  }

 private:
  template <typename... Args>
  static Error fail(fmt::format_string<Args...> format, Args&&... args) {
    return make_error(Code::Malformed, "memory plan: {}",
                      fmt::format(format, std::forward<Args>(args)...));
  }

  Status check_tables() const {
    if (plan_.buffer_of_value.size() != graph_.values.size() ||
        plan_.workspace_of_node.size() != graph_.nodes.size()) {
      return fail("it is of another graph");
    }
    for (const Buffer& buffer : plan_.buffers) {
      const bool is_inside = buffer.offset >= 0 && buffer.bytes >= 0 &&
                             buffer.bytes <= plan_.arena_bytes &&
                             buffer.offset <= plan_.arena_bytes - buffer.bytes;
      if (!is_inside || buffer.offset % kRequiredAlignment != 0) {
        return fail("{} is not within the arena of {} bytes", buffer.name, plan_.arena_bytes);
      }
    }
    for (const auto* table : {&plan_.buffer_of_value, &plan_.workspace_of_node}) {
      for (int32_t index : *table) {
        if (index < -1 || index >= static_cast<int64_t>(plan_.buffers.size())) {
          return fail("buffer {} of {}", index, plan_.buffers.size());
        }
      }
    }
    return {};
  }

  // Of each value by itself: a view has reads of its own, at the same place.
  void find_last_reads() {
    last_read_.assign(graph_.values.size(), -1);
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      for (ValueId id : graph_.nodes[n].inputs) {
        if (id != kNone) last_read_[static_cast<size_t>(id)] = static_cast<NodeId>(n);
      }
    }
    for (size_t id = 0; id < graph_.values.size(); ++id) {
      if (graph_.values[id].is_output) last_read_[id] = static_cast<NodeId>(graph_.nodes.size());
    }
  }

  int32_t buffer_of(ValueId id) const { return plan_.buffer_of_value[static_cast<size_t>(id)]; }
  Place place_of(ValueId id) const {
    const int64_t begin = plan_.buffers[static_cast<size_t>(buffer_of(id))].offset;
    return {begin, begin + bound_bytes(graph_, id)};
  }

  Status visit(const Node& node) {
    std::erase_if(alive_, [&](ValueId id) { return last_read_[static_cast<size_t>(id)] < node_; });
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] != kNone) VERGE_RETURN_IF_ERROR(place_output(node, i));
    }
    VERGE_RETURN_IF_ERROR(check_workspace(node));
    for (ValueId id : node.outputs) {
      if (id != kNone && buffer_of(id) >= 0) alive_.push_back(id);
    }
    return {};
  }

  Status place_output(const Node& node, size_t output) const {
    const ValueId id = node.outputs[output];
    const std::string& name = graph_.value(id).name;
    const ValueId target = graph_.value(id).alias_of;
    if (target != kNone || node.op->is_view) {
      const ValueId source = target != kNone ? target : node.inputs[0];
      if (buffer_of(id) != buffer_of(source)) return fail("{} is not where its source is", name);
      if (target == kNone || buffer_of(id) < 0) return {};
    }
    if (buffer_of(id) < 0 && node.op->puts_elsewhere(node.attrs)) return {};
    if (buffer_of(id) < 0) return fail("{} has no place", name);
    const Buffer& buffer = plan_.buffers[static_cast<size_t>(buffer_of(id))];
    if (buffer.bytes < bound_bytes(graph_, id)) return fail("{} has too small a place", name);
    for (ValueId other : alive_) {
      if (!overlap(place_of(id), place_of(other)) || may_overwrite(node, output, other)) continue;
      return fail("{} overwrites {}, which is still needed", name, graph_.value(other).name);
    }
    for (size_t i = 0; i < output; ++i) {
      const ValueId sibling = node.outputs[i];
      if (sibling == kNone || buffer_of(sibling) < 0) continue;
      if (overlap(place_of(id), place_of(sibling))) return fail("{} has a sibling's place", name);
    }
    return {};
  }

  // An input that nobody reads later may be overwritten where the operator allows it.
  bool may_overwrite(const Node& node, size_t output, ValueId other) const {
    const ValueId id = node.outputs[output];
    if (last_read_[static_cast<size_t>(other)] > node_) return false;
    if (place_of(id) != place_of(other)) return false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != other) continue;
      const bool allowed = std::ranges::any_of(node.op->aliases, [&](const Alias& alias) {
        return static_cast<size_t>(alias.output) == output && static_cast<size_t>(alias.input) == i;
      });
      if (!allowed) return false;
    }
    return true;
  }

  Status check_workspace(const Node& node) const {
    const int32_t index = plan_.workspace_of_node[static_cast<size_t>(node_)];
    if (index < 0) return {};
    const Buffer& buffer = plan_.buffers[static_cast<size_t>(index)];
    const Place place{buffer.offset, buffer.offset + buffer.bytes};
    const auto collides = [&](ValueId id) {
      return id != kNone && buffer_of(id) >= 0 && overlap(place, place_of(id));
    };
    if (std::ranges::any_of(alive_, collides) || std::ranges::any_of(node.outputs, collides)) {
      return fail("the workspace of {} ({}) overwrites what is still needed", node.op->name,
                  node.source);
    }
    return {};
  }

  const Graph& graph_;
  const MemoryPlan& plan_;
  NodeId node_ = 0;
  std::vector<NodeId> last_read_;
  std::vector<ValueId> alive_;  // in the arena, and read by this node or later
};

}  // namespace

Status check_memory_plan(const Graph& graph, const MemoryPlan& plan) {
  return MemoryChecker(graph, plan).run();
}

}  // namespace verge::graph
