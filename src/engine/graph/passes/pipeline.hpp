#pragma once
// The passes in the order in which they run, between a model builder or autodiff and the planner.
// Each can be switched off by name; a report says what it changed.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

struct Pass {
  std::string_view name;
  std::string_view summary;
  Graph (*run)(Graph graph);
};

/// All passes in order.
std::span<const Pass> all_passes();

struct PassReport {
  std::string_view pass;
  size_t nodes_before = 0, nodes_after = 0;
  double seconds = 0;
};

struct PipelineOptions {
  std::vector<std::string> disabled;  // names of passes to leave out
  /// Called after each pass, for dumps.
  std::function<void(std::string_view pass, const Graph& before, const Graph& after)> observe;
};

struct Optimized {
  Graph graph;
  std::vector<PassReport> report;
};

/// Runs the passes. In debug builds the graph is verified after each one. Fails with
/// InvalidArgument for an unknown name in `disabled`.
Result<Optimized> optimize(Graph graph, const PipelineOptions& options = {});

}  // namespace verge::graph
