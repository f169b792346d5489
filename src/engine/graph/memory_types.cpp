#include <algorithm>

#include <fmt/ranges.h>

#include <verge/core/units.hpp>
#include <verge/engine/graph/memory_types.hpp>

namespace verge::graph {
namespace {

// By buffer: the type of the first value in it; nothing for workspaces.
std::vector<std::string> types_of_buffers(const Graph& graph, const MemoryPlan& plan) {
  std::vector<std::string> types(plan.buffers.size());
  for (size_t id = graph.values.size(); id-- > 0;) {
    const int32_t buffer = plan.buffer_of_value[id];
    if (buffer >= 0) types[static_cast<size_t>(buffer)] = name(graph.values[id].type.dtype);
  }
  return types;
}

}  // namespace

std::map<std::string, int64_t> bytes_by_type(const Graph& graph, const MemoryPlan& plan,
                                             NodeId node) {
  const std::vector<std::string> types = types_of_buffers(graph, plan);
  std::map<std::string, int64_t> bytes;
  for (size_t i = 0; i < plan.buffers.size(); ++i) {
    const Buffer& buffer = plan.buffers[i];
    if (buffer.first > node || buffer.last < node) continue;
    bytes[types[i].empty() ? "workspace" : types[i]] += buffer.bytes;
  }
  return bytes;
}

int64_t most_bytes_of(const Graph& graph, const MemoryPlan& plan, DType dtype) {
  const std::vector<std::string> types = types_of_buffers(graph, plan);
  std::vector<int64_t> change(graph.nodes.size() + 2);  // outputs live on after the last node
  for (size_t i = 0; i < plan.buffers.size(); ++i) {
    if (types[i] != name(dtype)) continue;
    change[static_cast<size_t>(plan.buffers[i].first)] += plan.buffers[i].bytes;
    change[static_cast<size_t>(plan.buffers[i].last) + 1] -= plan.buffers[i].bytes;
  }
  int64_t alive = 0, most = 0;
  for (const int64_t by : change) most = std::max(most, alive += by);
  return most;
}

std::string show_types(const std::map<std::string, int64_t>& bytes) {
  std::vector<std::pair<int64_t, std::string>> sorted;
  for (const auto& [type, count] : bytes) sorted.emplace_back(-count, type);
  std::ranges::sort(sorted);
  std::vector<std::string> parts;
  for (const auto& [count, type] : sorted) {
    parts.push_back(fmt::format("{} {}", type, show_bytes(-count)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace verge::graph
