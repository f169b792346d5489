#pragma once
// PassTable: what each pass made of a graph, as a table for people and as JSON.

#include <iosfwd>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <verge/engine/graph/graph_cost.hpp>

namespace verge::cli {

class PassTable {
 public:
  void add(std::string_view pass, const graph::Graph& before, const graph::Graph& after);
  /// All passes, or only those that changed something.
  void print(std::ostream& out, bool only_changes) const;
  nlohmann::ordered_json json() const;

 private:
  // Of a graph at the upper bounds of its extents.
  struct Measure {
    size_t nodes = 0;
    int64_t arena_bytes = 0;
    graph::Cost cost;

    explicit Measure(const graph::Graph& graph);
    bool operator==(const Measure& other) const;
    nlohmann::ordered_json json() const;
  };
  struct Row {
    std::string_view pass, summary;
    Measure before, after;
  };

  std::vector<Row> rows_;
};

}  // namespace verge::cli
