#include <algorithm>
#include <ostream>

#include <nlohmann/json.hpp>

#include <verge/cli/pass_table.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/graph/planner.hpp>

namespace verge::cli {

using nlohmann::ordered_json;

PassTable::Measure::Measure(const graph::Graph& graph)
    : nodes(graph.nodes.size()),
      arena_bytes(graph::plan_memory(graph).arena_bytes),
      cost(graph::cost_of(graph)) {}

bool PassTable::Measure::operator==(const Measure& other) const {
  return nodes == other.nodes && arena_bytes == other.arena_bytes &&
         cost.flops == other.cost.flops && cost.bytes == other.cost.bytes;
}

ordered_json PassTable::Measure::json() const {
  return {{"nodes", nodes},
          {"arena_bytes", arena_bytes},
          {"flops", cost.flops},
          {"bytes_moved", cost.bytes}};
}

void PassTable::add(std::string_view pass, const graph::Graph& before, const graph::Graph& after) {
  const auto at = std::ranges::find(graph::all_passes(), pass, &graph::Pass::name);
  rows_.push_back({at->name, at->summary, Measure(before), Measure(after)});
}

void PassTable::print(std::ostream& out, bool only_changes) const {
  const auto change = [](double before, double after, double unit) {
    return before == after ? fmt::format("{:.6g}", after / unit)
                           : fmt::format("{:.6g} > {:.6g}", before / unit, after / unit);
  };
  out << fmt::format("{:<22}{:>13}{:>20}{:>24}{:>20}\n", "pass", "nodes", "arena KiB", "MFLOP",
                     "MiB moved");
  for (const Row& row : rows_) {
    const Measure &from = row.before, &to = row.after;
    if (only_changes && from == to) continue;
    out << fmt::format(
        "{:<22}{:>13}{:>20}{:>24}{:>20}  {}\n", row.pass,
        change(static_cast<double>(from.nodes), static_cast<double>(to.nodes), 1),
        change(static_cast<double>(from.arena_bytes), static_cast<double>(to.arena_bytes), 1 << 10),
        change(from.cost.flops, to.cost.flops, 1e6),
        change(from.cost.bytes, to.cost.bytes, 1 << 20), row.summary);
  }
}

ordered_json PassTable::json() const {
  ordered_json list = ordered_json::array();
  for (const Row& row : rows_) {
    list.push_back({{"name", row.pass},
                    {"summary", row.summary},
                    {"before", row.before.json()},
                    {"after", row.after.json()}});
  }
  return list;
}

}  // namespace verge::cli
