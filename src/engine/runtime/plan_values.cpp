#include <algorithm>
#include <cstring>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/runtime/canaries.hpp>
#include <verge/engine/runtime/plan_values.hpp>

namespace verge::runtime {
namespace {

using graph::kNone;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

constexpr int64_t kAlignment = 64;

int64_t aligned_bytes(const TensorView& view) {
  return (view.bytes() + kAlignment - 1) / kAlignment * kAlignment;
}

Result<TensorView> stored_weight(const Value& value, const TensorView& wanted,
                                 WeightStore& weights) {
  VERGE_TRY(const TensorView native, weights.native(value.name));
  if (native.dtype == wanted.dtype && native.shape == wanted.shape) return native;
  return make_error(Code::Malformed, "tensor {} is {} {}, the model's layout needs {} {}",
                    value.name, name(native.dtype), native.shape.str(), name(wanted.dtype),
                    wanted.shape.str());
}

}  // namespace

PlanValues::PlanValues(const graph::Graph& graph, graph::MemoryPlan memory, bool canaries)
    : graph_(graph), memory_(std::move(memory)) {
  if (canaries) spread_buffers(memory_);
  for (const graph::Symbol& symbol : graph.symbols) extents_.push_back(symbol.bound);
}

Status PlanValues::place(WeightStore& weights, StateStore& states) {
  VERGE_RETURN_IF_ERROR(place_stored(weights, states));
  for (const Value& value : graph_.values) {
    if (value.alias_of == kNone) continue;
    const Value& target = graph_.value(graph_.root(value.alias_of));
    if (target.kind == ValueKind::Param) VERGE_RETURN_IF_ERROR(weights.mark_trained(target.name));
  }
  place_inputs();
  place_activations();
  return {};
}

Status PlanValues::place_stored(WeightStore& weights, StateStore& states) {
  views_.resize(graph_.values.size());
  for (size_t id = 0; id < graph_.values.size(); ++id) {
    const Value& value = graph_.values[id];
    TensorView& view = views_[id];
    view.dtype = value.type.dtype;
    view.shape = graph_.bound_shape(value.type);
    if (value.kind == ValueKind::Param) {
      VERGE_TRY(const TensorView native, stored_weight(value, view, weights));
      view.data = native.data;
    } else if (value.kind == ValueKind::State) {
      VERGE_TRY(view, states.get(value.name, view.dtype, view.shape));
    } else if (value.kind == ValueKind::Const) {
      view.data = value.data->view().data;
    }
  }
  return {};
}

void PlanValues::place_inputs() {
  std::vector<TensorView*> inputs;
  for (size_t id = 0; id < graph_.values.size(); ++id) {
    if (graph_.values[id].kind != ValueKind::Input) continue;
    inputs.push_back(&views_[id]);
    io_bytes_ += aligned_bytes(views_[id]);
  }
  io_ = allocate_aligned(static_cast<size_t>(io_bytes_));
  std::memset(io_.get(), 0, static_cast<size_t>(io_bytes_));
  std::byte* next = io_.get();
  for (TensorView* input : inputs) {
    input->data = next;
    next += aligned_bytes(*input);
  }
}

void PlanValues::place_activations() {
  arena_ = allocate_aligned(static_cast<size_t>(memory_.arena_bytes));
  for (const graph::Node& node : graph_.nodes) {
    for (ValueId id : node.outputs) {
      if (id == kNone) continue;
      TensorView& placed = views_[static_cast<size_t>(id)];
      const int32_t index = memory_.buffer_of_value[static_cast<size_t>(id)];
      const ValueId target = graph_.value(id).alias_of;
      if (index >= 0) {
        placed.data = buffer(index);
      } else if (target != kNone || node.op->is_view) {  // of what lives outside the arena
        placed.data = view(target != kNone ? target : node.inputs[0]).data;
      }
    }
  }
}

std::byte* PlanValues::workspace(graph::NodeId node) const {
  const int32_t index = memory_.workspace_of_node[static_cast<size_t>(node)];
  return index >= 0 ? buffer(index) : nullptr;
}

void PlanValues::follow(TensorView& view, ValueId id) {
  if (id == kNone) return;
  const graph::Type& type = graph_.value(id).type;
  if (std::ranges::any_of(type.dims, [](const graph::Dim& d) { return !d.is_constant(); })) {
    dynamic_.push_back({&view, &type});
  }
}

void PlanValues::set_extents(std::span<const int64_t> extents) {
  VERGE_CHECK(extents.size() == graph_.symbols.size(), extents.size(), graph_.symbols.size());
  if (std::ranges::equal(extents, extents_)) return;
  for (size_t s = 0; s < extents.size(); ++s) {
    const int64_t bound = graph_.symbols[s].bound;
    VERGE_CHECK(extents[s] >= 0 && extents[s] <= bound, extents[s], bound);
  }
  extents_.assign(extents.begin(), extents.end());
  for (const DynamicShape& entry : dynamic_) {
    for (size_t axis = 0; axis < entry.type->dims.size(); ++axis) {
      const graph::Dim& dim = entry.type->dims[axis];
      if (dim.is_constant()) continue;
      entry.view->shape[static_cast<int>(axis)] =
          dim.factor * extents_[static_cast<size_t>(dim.symbol)];
    }
  }
}

}  // namespace verge::runtime
