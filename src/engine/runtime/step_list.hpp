#pragma once
// StepList: the calls of a Plan in their order, bound to memory, and the pieces of weights that
// the stream brings for them. Internal to Plan.

#include <memory>
#include <vector>

#include <verge/engine/runtime/bound_regions.hpp>
#include <verge/engine/runtime/plan_step.hpp>
#include <verge/engine/runtime/plan_values.hpp>
#include <verge/engine/runtime/program.hpp>

namespace verge::runtime {

struct StepList {
  std::vector<PlanStep> steps;
  WeightStream* stream = nullptr;  // null: all weights are in memory
  std::shared_ptr<const StreamRing> ring;
  std::vector<uint8_t> needed;  // of the optional pieces that are chosen together
  BoundRegions regions;

  /// The list stays where it is from then on: `values` keeps its views' shapes up to date.
  Status bind(const std::vector<ProgramStep>& program, const graph::Graph& graph,
              PlanValues& values, WeightStore& weights, ThreadPool& pool, kernels::Isa isa,
              const Backends& backends);

  /// Tells the stream which of the optional pieces from this step on the run needs.
  void choose_pieces(size_t index);

 private:
  struct Binder;
  void group_choices();
  void link_products();
};

}  // namespace verge::runtime
