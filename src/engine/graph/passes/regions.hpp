#pragma once
// Regions: sets of nodes that may run as one. Running a region instead of its nodes leaves the
// graph of all nodes and regions without a cycle: no path leaves a region and comes back to it,
// directly or through another region.

#include <functional>
#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

/// Nodes in execution order.
using Region = std::vector<NodeId>;

/// Joins the wanted nodes to regions, each connected and as large as waves allow: nodes run in
/// waves of wanted and of other nodes in turn, each as early as what it reads, and a region of
/// one wave whose readers all come later runs with those. Every wanted node is in one region.
std::vector<Region> grow_regions(const Graph& graph, const std::vector<bool>& is_wanted);

/// What cutting a region gives.
struct CutRegion {
  std::vector<Region> pieces;
  std::vector<NodeId> left;  // nodes that do not even fit alone
};

/// Cuts a region, in execution order, into pieces that fit; `fits` is asked about the nodes from
/// some on, and must not hold for more nodes where it does not for fewer.
CutRegion cut_region(const Region& region, const std::function<bool(const Region& piece)>& fits,
                     const std::function<void(const Region& piece)>& take);

}  // namespace verge::graph
