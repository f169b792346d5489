#pragma once
// PlanValues: where every value of a Plan's graph lives: weights and states in their stores,
// activations in one arena, inputs in memory of their own. Internal to Plan.

#include <span>
#include <vector>

#include <verge/engine/graph/planner.hpp>
#include <verge/engine/runtime/store.hpp>

namespace verge::runtime {

class PlanValues {
 public:
  /// `graph` outlives this. With `canaries`, each buffer of the arena has memory of its own.
  PlanValues(const graph::Graph& graph, graph::MemoryPlan memory, bool canaries);

  /// Gives every value its home. Fails with NotFound for a missing weight, Malformed for one of
  /// another type than the graph says. Weights that the graph updates are marked in the store.
  Status place(WeightStore& weights, StateStore& states);

  /// At the upper bounds of the extents; an empty view for kNone.
  TensorView view(graph::ValueId id) const {
    return id == graph::kNone ? TensorView{} : views_[static_cast<size_t>(id)];
  }
  /// The same view, where it stays.
  const TensorView& operator[](graph::ValueId id) const { return views_[static_cast<size_t>(id)]; }
  /// Lets a value that the planner gave no place live there.
  void put(graph::ValueId id, std::byte* place) { views_[static_cast<size_t>(id)].data = place; }
  /// What the node's kernel may scribble on; null where it asked for nothing.
  std::byte* workspace(graph::NodeId node) const;

  /// From now on the shape of `view`, which stays where it is, follows the extents as the value's.
  void follow(TensorView& view, graph::ValueId id);
  /// One extent for each symbol of the graph, each within its bound.
  void set_extents(std::span<const int64_t> extents);

  const graph::MemoryPlan& memory() const { return memory_; }
  std::byte* arena() const { return arena_.get(); }
  int64_t io_bytes() const { return io_bytes_; }

 private:
  // A view whose shape follows the symbols' extents.
  struct DynamicShape {
    TensorView* view;
    const graph::Type* type;
  };

  Status place_stored(WeightStore& weights, StateStore& states);
  void place_inputs();
  void place_activations();
  std::byte* buffer(int32_t index) const {
    return arena_.get() + memory_.buffers[static_cast<size_t>(index)].offset;
  }

  const graph::Graph& graph_;
  graph::MemoryPlan memory_;
  AlignedBuffer arena_;
  AlignedBuffer io_;
  int64_t io_bytes_ = 0;
  std::vector<TensorView> views_;
  std::vector<DynamicShape> dynamic_;
  std::vector<int64_t> extents_;
};

}  // namespace verge::runtime
