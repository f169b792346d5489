#pragma once
// Plan: a Graph compiled for one node of the fleet: chosen kernels, fixed memory, resolved
// pointers. Running it is a walk over a list of kernel calls, without allocation and without shape
// logic while the symbols' extents stay the same. A Plan is used by one thread at a time; several
// Plans may share the stores.
//
//   VERGE_TRY(auto plan, Plan::compile(graph, weights, states, pool));
//   std::ranges::copy(tokens, plan.input("tokens").as<int32_t>());
//   plan.run({tokens.size()});
//   const float* logits = plan.output("logits").as<float>();

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <verge/engine/runtime/backend.hpp>
#include <verge/engine/runtime/program.hpp>
#include <verge/engine/runtime/store.hpp>

namespace verge::runtime {

struct PlanOptions {
  kernels::Isa isa = kernels::best_isa();
  /// Null: each kernel takes its first way.
  KernelChooser* chooser = nullptr;
  /// For tests: gives each buffer its own memory (canaries.hpp), filled with NaN before each run,
  /// and checks the guard bytes between them after it.
  bool canaries = false;
  /// What delegates may name.
  Backends backends = {};
  /// Of a network (model/onnx_network.hpp), with a chooser: what its graph is given to the first
  /// backend for is timed against its own kernels, and done where it is faster.
  bool times_backends = false;
};

struct MemoryReport {
  int64_t arena_bytes = 0;
  int64_t lower_bound_bytes = 0;
  int64_t io_bytes = 0;       // inputs and constants
  int64_t backend_bytes = 0;  // what backends hold for the delegates
  std::string peak_node;      // the operator and layer where the lower bound is reached
};

/// Time of one node over the runs since profiling began.
struct NodeProfile {
  std::string op;
  std::string source;
  double seconds = 0;
  bool is_reference = false;
};

class Plan {
 public:
  /// Fails with NotFound for a missing weight, Malformed for one of another type than the graph
  /// says.
  static Result<Plan> compile(graph::Graph graph, WeightStore& weights, StateStore& states,
                              ThreadPool& pool, const PlanOptions& options = {});
  /// The same for what is compiled already, for this pool's threads and this machine's
  /// instructions. Fails also with Conflict where it is for others.
  /// Unsupported where a delegate names a backend that is not given
  static Result<Plan> bind(Program program, WeightStore& weights, StateStore& states,
                           ThreadPool& pool, bool canaries = false, const Backends& backends = {});
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;
  ~Plan();

  /// The memory of an input at its upper bound; write it before run(). The name must exist.
  const TensorView& input(std::string_view name);
  bool has_input(std::string_view name) const;
  /// An output of the last run; only the actual extents hold data.
  const TensorView& output(std::string_view name) const;

  /// Runs all nodes with these extents, one for each symbol of the graph, each within its bound.
  /// Returns false if `cancel` became true meanwhile, or weights that are streamed could not be
  /// read (failure()): it stops after the node at hand, outputs are undefined.
  bool run(std::span<const int64_t> extents, const std::atomic<bool>* cancel = nullptr);
  bool run(std::initializer_list<int64_t> extents) {
    return run(std::span(extents.begin(), extents.size()));
  }

  /// What reading weights during the last run failed with, which stopped it.
  const std::optional<Error>& failure() const;

  const graph::Graph& graph() const;
  const graph::MemoryPlan& memory_plan() const;
  MemoryReport memory() const;
  /// Operators that run by their slow reference because no kernel fits, with their layers.
  std::vector<std::string> reference_nodes() const;

  /// Measures each node from now on.
  void start_profile();
  std::vector<NodeProfile> profile() const;

 private:
  struct Impl;
  explicit Plan(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace verge::runtime
