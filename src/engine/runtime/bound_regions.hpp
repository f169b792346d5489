#pragma once
// BoundRegions: the delegates of a plan as their backends have compiled them. Internal to Plan.

#include <map>
#include <memory>

#include <verge/engine/runtime/backend.hpp>
#include <verge/engine/runtime/plan_values.hpp>

namespace verge::runtime {

struct BoundRegions {
  Backends backends;  // which the regions belong to
  std::map<graph::NodeId, std::unique_ptr<BackendRegion>> by_node;

  BackendRegion* of(graph::NodeId node) const;
  int64_t bytes() const;
};

/// Compiles all delegates, and gives what lies in a backend's own memory its place in `values`.
/// Fails with Unsupported for a backend that is not given, naming it, Malformed where values of
/// its memory are read past the copies at its border, and as Backend::compile does.
Result<BoundRegions> bind_regions(const graph::Graph& graph, PlanValues& values,
                                  const Backends& backends, ThreadPool& pool);

}  // namespace verge::runtime
