#pragma once
// Backend: something that runs regions of a graph in the place of kernels: a library, an
// accelerator. Plan::bind gives it the `delegate` nodes that name it. engine/backends has those
// that Verge knows; a plug-in derives from Backend and is handed to PlanOptions.

#include <memory>
#include <span>
#include <vector>

#include <verge/core/threads.hpp>
#include <verge/engine/graph/capability.hpp>

namespace verge::runtime {

/// One delegate of one plan: compiled, and bound to its weights.
class BackendRegion {
 public:
  virtual ~BackendRegion() = default;
  /// Called by every worker of the plan's pool at once, as a kernel is; a barrier follows.
  /// `inputs` and `outputs` are the node's. Must not fail: what can, fails in compile().
  virtual void run(std::span<const TensorView> inputs, std::span<const TensorView> outputs,
                   Worker& worker) = 0;
  /// Where the node's input or output lies in the backend's own memory, always at the same place.
  /// Null for a backend that works in the host's, and for weights.
  virtual std::byte* input_place(size_t) { return nullptr; }
  virtual std::byte* output_place(size_t) { return nullptr; }
  /// What the region holds: its buffers, and weights in layouts of its own.
  virtual int64_t bytes() const = 0;
};

class Backend : public graph::Capability {
 public:
  /// Compiles a body (delegate_body.hpp). `inputs` are the node's in order: of weights the data, of
  /// what is given at each run the shape alone. Fails with Unsupported for a body that
  /// refusals() would not have let pass, OutOfMemory where its memory is too small.
  virtual Result<std::unique_ptr<BackendRegion>> compile(const graph::Graph& body,
                                                         std::span<const TensorView> inputs,
                                                         ThreadPool& pool) = 0;
};

/// What a plan may hand nodes to, each by its own name.
using Backends = std::vector<std::shared_ptr<Backend>>;

}  // namespace verge::runtime
