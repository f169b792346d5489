#pragma once
// partition: gives parts of a graph to a backend. Regions of nodes that the backend can run become
// one `delegate` node each; what a region cannot pay for is left alone, and one that exceeds the
// backend's memory is cut. Where that memory is not the host's, `copy` nodes stand at the borders.
// Runs after all fusion, whose operators backends know, and before the order is chosen.
// Before and after: the same outputs, but for the backend's rounding.

#include <optional>
#include <string>
#include <vector>

#include <verge/engine/graph/capability.hpp>

namespace verge::graph {

struct PartitionReport {
  struct RegionFacts {
    std::vector<std::string> nodes;  // "conv2d (layer 3)"
    double flops = 0;
    int64_t weight_bytes = 0;
    int64_t memory_bytes = 0;  // of the backend's own
    int64_t bytes_to = 0;      // copied at each run, to the backend
    int64_t bytes_from = 0;    // and back
    int copies = 0;
  };
  struct Stayed {
    std::string node;
    std::vector<std::string> reasons;  // all of them
  };
  std::string backend;
  std::vector<RegionFacts> regions;
  std::vector<Stayed> stayed;

  size_t delegated_nodes() const;
  int copies() const;
  int64_t copied_bytes() const;
};

/// `report` may be null.
Graph partition(Graph graph, const Capability& backend, PartitionReport* report = nullptr);

}  // namespace verge::graph
