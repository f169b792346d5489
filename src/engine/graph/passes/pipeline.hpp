#pragma once
// The passes in the order in which they run, between a model builder or autodiff and the planner.
// Each can be switched off by name; a report says what it changed.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/graph/ir.hpp>
#include <verge/engine/graph/passes/attach_adapters.hpp>
#include <verge/engine/graph/passes/choose_layout.hpp>
#include <verge/engine/graph/passes/fold_affine.hpp>
#include <verge/engine/graph/passes/partition.hpp>

namespace verge::graph {

struct PipelineOptions;

struct Pass {
  std::string_view name;
  std::string_view summary;
  Graph (*run)(Graph graph, const PipelineOptions& options);
};

/// All passes in order.
std::span<const Pass> all_passes();

struct PassReport {
  std::string_view pass;
  size_t nodes_before = 0, nodes_after = 0;
  double seconds = 0;
};

struct PipelineOptions {
  std::vector<std::string> disabled = {};  // names of passes to leave out
  /// Called after each pass, for dumps.
  std::function<void(std::string_view pass, const Graph& before, const Graph& after)> observe = {};
  /// What the passes that need to be asked are asked for; without it they change nothing.
  const AdapterLayout* adapters = nullptr;  // attach_adapters
  bool bf16 = false;                        // compute_bf16
  ParameterValues parameters = {};          // fold_affine, for weights that stay as they are
  NodeSeconds node_seconds = {};            // choose_layout, for inference
  const Capability* backend = nullptr;      // partition
  PartitionReport* partition_report = nullptr;
};

struct Optimized {
  Graph graph;
  std::vector<PassReport> report;
};

/// Runs the passes. In debug builds the graph is verified after each one. Fails with
/// InvalidArgument for an unknown name in `disabled`.
Result<Optimized> optimize(Graph graph, const PipelineOptions& options = {});

}  // namespace verge::graph
