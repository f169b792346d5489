#include <algorithm>
#include <limits>
#include <numeric>

#include <verge/engine/graph/occupied_memory.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/planner.hpp>

namespace verge::graph {
namespace {

constexpr int64_t kAlignment = 64;

int64_t align_up(int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Finds which values share memory, and from when to when each piece of memory is needed.
class Liveness {
 public:
  Liveness(const Graph& graph, const std::vector<int64_t>& workspace_bytes, MemoryPlan& plan)
      : graph_(graph), workspace_bytes_(workspace_bytes), plan_(plan) {}

  void run() {
    plan_.buffer_of_value.assign(graph_.values.size(), -1);
    plan_.workspace_of_node.assign(graph_.nodes.size(), -1);
    find_last_reads();
    for (size_t n = 0; n < graph_.nodes.size(); ++n) visit(static_cast<NodeId>(n));
  }

 private:
  // The last reader of each value, through the views of it.
  void find_last_reads() {
    last_read_.assign(graph_.values.size(), -1);
    for (size_t i = graph_.nodes.size(); i-- > 0;) {
      const Node& node = graph_.nodes[i];
      const auto n = static_cast<NodeId>(i);
      for (ValueId id : node.inputs) {
        if (id == kNone) continue;
        NodeId& last = last_read_[static_cast<size_t>(id)];
        last = std::max(last, n);
        if (node.op->is_view && node.outputs[0] != kNone) {
          last = std::max(last, last_use(node.outputs[0]));
        }
      }
    }
  }

  NodeId last_use(ValueId id) const {
    return graph_.value(id).is_output ? static_cast<NodeId>(graph_.nodes.size())
                                      : last_read_[static_cast<size_t>(id)];
  }

  void visit(NodeId n) {
    const Node& node = graph_.nodes[static_cast<size_t>(n)];
    for (size_t i = 0; i < node.outputs.size(); ++i) place(n, node, i);
    if (!workspace_bytes_.empty() && workspace_bytes_[static_cast<size_t>(n)] > 0) {
      plan_.workspace_of_node[static_cast<size_t>(n)] =
          add_buffer(std::string(node.op->name) + " workspace",
                     workspace_bytes_[static_cast<size_t>(n)], n, n);
    }
  }

  void place(NodeId n, const Node& node, size_t output) {
    const ValueId id = node.outputs[output];
    if (id == kNone || node.op->puts_elsewhere(node.attrs)) return;
    const NodeId last = std::max(n, last_use(id));
    int32_t& buffer = plan_.buffer_of_value[static_cast<size_t>(id)];
    const ValueId target = graph_.value(id).alias_of;
    if (target != kNone) {
      buffer = plan_.buffer_of_value[static_cast<size_t>(target)];
    } else if (node.op->is_view) {
      buffer = plan_.buffer_of_value[static_cast<size_t>(node.inputs[0])];
      if (buffer < 0) return;
    } else if (const int32_t reused = reusable_input(n, node, output); reused >= 0) {
      buffer = reused;
    } else {
      buffer = add_buffer(graph_.value(id).name, bound_bytes(graph_, id), n, last);
    }
    if (buffer >= 0) {
      NodeId& end = plan_.buffers[static_cast<size_t>(buffer)].last;
      end = std::max(end, last);
    }
  }

  // The buffer of an input that this output may overwrite, or -1.
  int32_t reusable_input(NodeId n, const Node& node, size_t output) const {
    for (const Alias& alias : node.op->aliases) {
      if (static_cast<size_t>(alias.output) != output) continue;
      if (static_cast<size_t>(alias.input) >= node.inputs.size()) continue;
      const ValueId source = node.inputs[static_cast<size_t>(alias.input)];
      if (source == kNone) continue;
      const int32_t buffer = plan_.buffer_of_value[static_cast<size_t>(source)];
      if (buffer < 0 || plan_.buffers[static_cast<size_t>(buffer)].last > n) continue;
      if (is_read_otherwise(node, alias, buffer)) continue;
      if (bound_bytes(graph_, source) == bound_bytes(graph_, node.outputs[output])) return buffer;
    }
    return -1;
  }

  // Whether the node also reads this memory through an input that may not be overwritten, as
  // linear does whose residual is x itself.
  bool is_read_otherwise(const Node& node, const Alias& alias, int32_t buffer) const {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNone || static_cast<int8_t>(i) == alias.input) continue;
      if (plan_.buffer_of_value[static_cast<size_t>(node.inputs[i])] != buffer) continue;
      const bool allowed = std::ranges::any_of(node.op->aliases, [&](const Alias& other) {
        return other.output == alias.output && static_cast<size_t>(other.input) == i;
      });
      if (!allowed) return true;
    }
    return false;
  }

  int32_t add_buffer(std::string name, int64_t bytes, NodeId first, NodeId last) {
    plan_.buffers.push_back({std::move(name), align_up(bytes), first, last, -1});
    return static_cast<int32_t>(plan_.buffers.size() - 1);
  }

  const Graph& graph_;
  const std::vector<int64_t>& workspace_bytes_;
  MemoryPlan& plan_;
  std::vector<NodeId> last_read_;
};

enum class Gap { Lowest, Tightest };

// The offset for a buffer beside those already placed that live at the same time.
int64_t find_gap(const Buffer& buffer, const OccupiedMemory& placed, Gap wanted) {
  int64_t end = 0, best = -1, best_size = std::numeric_limits<int64_t>::max();
  for (const ByteRange& taken : placed.taken(buffer.first, buffer.last)) {
    const int64_t gap = taken.begin - end;
    if (gap >= buffer.bytes && gap < best_size) {
      best = end;
      best_size = gap;
      if (wanted == Gap::Lowest) return best;
    }
    end = taken.end;
  }
  return best >= 0 ? best : end;
}

// Places buffers in the given order; returns the arena's size.
int64_t place_in_order(std::vector<Buffer>& buffers, const std::vector<size_t>& order, Gap wanted) {
  int64_t arena = 0, times = 0;
  for (const Buffer& buffer : buffers) times = std::max<int64_t>(times, buffer.last + 1);
  OccupiedMemory placed(times);
  for (size_t index : order) {
    Buffer& buffer = buffers[index];
    buffer.offset = find_gap(buffer, placed, wanted);
    const int64_t end = buffer.offset + buffer.bytes;
    arena = std::max(arena, end);
    placed.place({buffer.offset, end}, buffer.first, buffer.last);
  }
  return arena;
}

std::vector<std::vector<size_t>> candidate_orders(const MemoryPlan& plan) {
  const std::vector<Buffer>& buffers = plan.buffers;
  std::vector<size_t> by_birth(buffers.size());
  std::iota(by_birth.begin(), by_birth.end(), size_t{0});
  std::vector<size_t> by_size = by_birth, by_area = by_birth, by_peak = by_birth;
  const auto size = [&](size_t i) { return buffers[i].bytes; };
  const auto area = [&](size_t i) {
    return buffers[i].bytes * (buffers[i].last - buffers[i].first + 1);
  };
  const auto peak = [&](size_t i) {
    const bool alive = buffers[i].first <= plan.peak_node && plan.peak_node <= buffers[i].last;
    return std::pair(alive, buffers[i].bytes);
  };
  std::ranges::stable_sort(by_size, std::greater<>(), size);
  std::ranges::stable_sort(by_area, std::greater<>(), area);
  std::ranges::stable_sort(by_peak, std::greater<>(), peak);
  return {by_size, by_peak, by_area, by_birth};
}

void choose_offsets(MemoryPlan& plan) {
  plan.arena_bytes = std::numeric_limits<int64_t>::max();
  for (const std::vector<size_t>& order : candidate_orders(plan)) {
    for (const Gap gap : {Gap::Tightest, Gap::Lowest}) {
      std::vector<Buffer> placed = plan.buffers;
      const int64_t arena = place_in_order(placed, order, gap);
      if (arena >= plan.arena_bytes) continue;
      plan.arena_bytes = arena;
      plan.buffers = std::move(placed);
      if (arena == plan.lower_bound_bytes) return;
    }
  }
}

}  // namespace

std::vector<int64_t> live_bytes(const MemoryPlan& plan, size_t nodes) {
  std::vector<int64_t> change(nodes + 2);
  for (const Buffer& buffer : plan.buffers) {
    change[static_cast<size_t>(buffer.first)] += buffer.bytes;
    change[std::min(static_cast<size_t>(buffer.last), nodes) + 1] -= buffer.bytes;
  }
  std::vector<int64_t> live(nodes);
  std::partial_sum(change.begin(), change.begin() + static_cast<int64_t>(nodes), live.begin());
  return live;
}

MemoryPlan plan_memory(const Graph& graph, const std::vector<int64_t>& workspace_bytes) {
  MemoryPlan plan;
  Liveness(graph, workspace_bytes, plan).run();
  const std::vector<int64_t> live = live_bytes(plan, graph.nodes.size());
  const auto peak = std::ranges::max_element(live);
  if (peak != live.end()) {
    plan.lower_bound_bytes = *peak;
    plan.peak_node = static_cast<NodeId>(peak - live.begin());
  }
  choose_offsets(plan);
  return plan;
}

}  // namespace verge::graph
