#pragma once
// Capability: what a backend says of itself, so that the pass `partition` can give it parts of a
// graph: which nodes it can run, what that costs and how much memory it has.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

/// Estimates that tell what surely does not pay; what does pay is measured.
struct BackendCost {
  double host_flops_per_s = 0;  // of this machine's own kernels
  double flops_per_s = 0;
  double copy_bytes_per_s = 0;  // between the memories, where the backend has its own
  double launch_s = 0;          // of handing over one region
  size_t least_nodes = 1;       // of a region
};

class Capability {
 public:
  virtual ~Capability() = default;
  /// As users write it and plan files hold it: "onednn".
  virtual std::string_view name() const = 0;
  /// Every reason why it cannot run the node, as "x is f32"; none: it can. Only nodes of constant
  /// extents are asked about that neither update anything nor are updated.
  virtual std::vector<std::string> refusals(const Graph& graph, const Node& node) const = 0;
  virtual BackendCost cost() const = 0;
  /// How large its own memory is; nothing: it works in the host's, and borders copy nothing.
  virtual std::optional<int64_t> memory_bytes() const { return std::nullopt; }
  /// What a region takes of its own memory, weights included.
  virtual int64_t memory_of(const Graph& body) const = 0;
};

}  // namespace verge::graph
