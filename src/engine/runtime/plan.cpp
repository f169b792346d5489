#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_map>

#include <verge/core/clock.hpp>
#include <verge/engine/kernels/matmul.hpp>
#include <verge/engine/runtime/canaries.hpp>
#include <verge/engine/runtime/plan.hpp>

namespace verge::runtime {
namespace {

using graph::Graph;
using graph::KernelCall;
using graph::kNone;
using graph::Node;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

constexpr int64_t kAlignment = 64;

struct Step {
  const kernels::KernelDef* kernel = nullptr;  // nullptr: the reference
  const Node* node = nullptr;
  std::vector<TensorView> inputs;
  std::vector<TensorView> outputs;
  std::byte* workspace = nullptr;
  uint32_t packed = 0;
  std::vector<kernels::PackedMatrix> next = {};  // of a product: what the one after it reads
  double seconds = 0;

  KernelCall call() const { return {inputs, outputs, node->attrs, workspace, packed}; }
};

// A view whose shape follows the symbols' extents.
struct DynamicShape {
  TensorView* view;
  const graph::Type* type;
};

}  // namespace

struct Plan::Impl {
  Graph graph;
  ThreadPool& pool;
  const kernels::Isa isa;
  const bool canaries;
  graph::MemoryPlan memory;
  AlignedBuffer arena;
  AlignedBuffer io;
  int64_t io_bytes = 0;
  std::vector<TensorView> views;  // by value, at the upper bounds
  std::vector<Step> steps;
  std::vector<DynamicShape> dynamic;
  std::vector<int64_t> extents;
  std::unordered_map<std::string_view, ValueId> inputs;   // by name, as callers ask for them
  std::unordered_map<std::string_view, ValueId> outputs;  // at every step
  SystemClock clock;
  bool profiling = false;

  Impl(Program program, ThreadPool& p, bool guarded)
      : graph(std::move(program.graph)),
        pool(p),
        isa(program.isa),
        canaries(guarded),
        memory(std::move(program.memory)) {}

  Status bind(const std::vector<ProgramStep>& program, WeightStore& weights, StateStore& states);
  Status place_outside(WeightStore& weights, StateStore& states);
  void link_products();
  void place_arena();
  Status make_steps(const std::vector<ProgramStep>& program, WeightStore& weights);
  void follow(TensorView& view, ValueId id);
  void set_extents(std::span<const int64_t> now);
  void run_step(Step& step, Worker& worker);

  std::byte* buffer(int32_t index) const {
    return arena.get() + memory.buffers[static_cast<size_t>(index)].offset;
  }
  TensorView view_of(ValueId id) const {
    return id == kNone ? TensorView{} : views[static_cast<size_t>(id)];
  }
};

// Gives a home to everything that is not in the arena: weights, states, inputs and constants.
Status Plan::Impl::place_outside(WeightStore& weights, StateStore& states) {
  views.resize(graph.values.size());
  for (size_t id = 0; id < graph.values.size(); ++id) {
    const Value& value = graph.values[id];
    TensorView& view = views[id];
    view.dtype = value.type.dtype;
    view.shape = graph.bound_shape(value.type);
    switch (value.kind) {
      case ValueKind::Param: {
        VERGE_TRY(const TensorView native, weights.native(value.name));
        if (native.dtype != view.dtype || native.shape != view.shape) {
          return make_error(Code::Malformed, "tensor {} is {} {}, the model's layout needs {} {}",
                            value.name, name(native.dtype), native.shape.str(), name(view.dtype),
                            view.shape.str());
        }
        view.data = native.data;
        break;
      }
      case ValueKind::State: {
        VERGE_TRY(view, states.get(value.name, view.dtype, view.shape));
        break;
      }
      case ValueKind::Const:
        view.data = value.data->view().data;
        break;
      case ValueKind::Input:
        io_bytes += (view.bytes() + kAlignment - 1) / kAlignment * kAlignment;
        break;
      case ValueKind::Activation:
        break;  // place_arena
    }
  }
  io = allocate_aligned(static_cast<size_t>(io_bytes));
  std::memset(io.get(), 0, static_cast<size_t>(io_bytes));
  std::byte* next = io.get();
  for (size_t id = 0; id < graph.values.size(); ++id) {
    if (graph.values[id].kind != ValueKind::Input) continue;
    views[id].data = next;
    next += (views[id].bytes() + kAlignment - 1) / kAlignment * kAlignment;
  }
  return {};
}

// The last product is followed by the first one of the next run.
void Plan::Impl::link_products() {
  std::vector<Step*> products;
  for (Step& step : steps) {
    if (step.packed != 0 && step.kernel->wants_packed != nullptr) products.push_back(&step);
  }
  for (size_t i = 0; i < products.size(); ++i) {
    const Step& after = *products[(i + 1) % products.size()];
    for (size_t input = 0; input < after.inputs.size(); ++input) {
      const TensorView& weight = after.inputs[input];
      if (!after.call().is_packed(input) || weight.shape.rank() != 2) continue;
      products[i]->next.push_back({weight.dtype, weight.shape[0], weight.shape[1], weight.data});
    }
  }
}

void Plan::Impl::place_arena() {
  if (canaries) spread_buffers(memory);
  arena = allocate_aligned(static_cast<size_t>(memory.arena_bytes));
  for (const Node& node : graph.nodes) {
    for (ValueId id : node.outputs) {
      if (id == kNone) continue;
      TensorView& view = views[static_cast<size_t>(id)];
      const int32_t index = memory.buffer_of_value[static_cast<size_t>(id)];
      const ValueId target = graph.value(id).alias_of;
      if (index >= 0) {
        view.data = buffer(index);
      } else if (target != kNone || node.op->is_view) {  // of what lives outside the arena
        view.data = view_of(target != kNone ? target : node.inputs[0]).data;
      }
    }
  }
}

void Plan::Impl::follow(TensorView& view, ValueId id) {
  if (id == kNone) return;
  const graph::Type& type = graph.value(id).type;
  if (std::ranges::any_of(type.dims, [](const graph::Dim& d) { return !d.is_constant(); })) {
    dynamic.push_back({&view, &type});
  }
}

Status Plan::Impl::make_steps(const std::vector<ProgramStep>& program, WeightStore& weights) {
  for (const ProgramStep& from : program) {
    Step step{from.kernel, &graph.nodes[static_cast<size_t>(from.node)], {}, {}, nullptr,
              from.packed};
    for (ValueId id : step.node->inputs) step.inputs.push_back(view_of(id));
    for (ValueId id : step.node->outputs) step.outputs.push_back(view_of(id));
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (!step.call().is_packed(i)) continue;
      VERGE_TRY(step.inputs[i], weights.packed(graph.value(step.node->inputs[i]).name, pool));
    }
    const int32_t workspace = memory.workspace_of_node[static_cast<size_t>(from.node)];
    if (workspace >= 0) step.workspace = buffer(workspace);
    steps.push_back(std::move(step));
  }
  for (Step& step : steps) {  // they stay where they are from now on
    for (size_t i = 0; i < step.inputs.size(); ++i) follow(step.inputs[i], step.node->inputs[i]);
    for (size_t i = 0; i < step.outputs.size(); ++i) follow(step.outputs[i], step.node->outputs[i]);
  }
  return {};
}

Status Plan::Impl::bind(const std::vector<ProgramStep>& program, WeightStore& weights,
                        StateStore& states) {
  VERGE_RETURN_IF_ERROR(place_outside(weights, states));
  for (const Value& value : graph.values) {
    if (value.alias_of == kNone) continue;
    const Value& target = graph.value(graph.root(value.alias_of));
    if (target.kind == ValueKind::Param) VERGE_RETURN_IF_ERROR(weights.mark_trained(target.name));
  }
  place_arena();
  VERGE_RETURN_IF_ERROR(make_steps(program, weights));
  link_products();
  for (const graph::Symbol& symbol : graph.symbols) extents.push_back(symbol.bound);
  for (size_t id = 0; id < graph.values.size(); ++id) {
    const Value& value = graph.values[id];
    if (value.kind == ValueKind::Input) inputs.emplace(value.name, static_cast<ValueId>(id));
    if (value.is_output) outputs.emplace(value.name, static_cast<ValueId>(id));
  }
  return {};
}

void Plan::Impl::set_extents(std::span<const int64_t> now) {
  VERGE_CHECK(now.size() == graph.symbols.size(), now.size(), graph.symbols.size());
  if (std::ranges::equal(now, extents)) return;
  for (size_t s = 0; s < now.size(); ++s) {
    VERGE_CHECK(now[s] >= 0 && now[s] <= graph.symbols[s].bound, now[s], graph.symbols[s].bound);
  }
  extents.assign(now.begin(), now.end());
  for (const DynamicShape& entry : dynamic) {
    for (size_t axis = 0; axis < entry.type->dims.size(); ++axis) {
      const graph::Dim& dim = entry.type->dims[axis];
      if (dim.is_constant()) continue;
      entry.view->shape[static_cast<int>(axis)] =
          dim.factor * extents[static_cast<size_t>(dim.symbol)];
    }
  }
}

void Plan::Impl::run_step(Step& step, Worker& worker) {
  const bool timing = profiling && worker.index() == 0;
  const double begin = timing ? clock.seconds() : 0;
  if (step.kernel != nullptr) {
    if (step.kernel->is_idle != nullptr && step.kernel->is_idle(step.call())) return;
    step.kernel->run(step.call(), worker, isa);
    for (const kernels::PackedMatrix& weights : step.next) {
      kernels::prefetch_weights(weights, worker);
    }
  } else if (worker.index() == 0) {
    step.node->op->reference(step.call());
  }
  worker.sync();
  if (timing) step.seconds += clock.seconds() - begin;
}

Plan::Plan(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;
Plan::~Plan() = default;

Result<Plan> Plan::compile(Graph graph, WeightStore& weights, StateStore& states, ThreadPool& pool,
                           const PlanOptions& options) {
  VERGE_TRY(Program program, make_program(std::move(graph), options.isa, pool.size()));
  return bind(std::move(program), weights, states, pool, options.canaries);
}

Result<Plan> Plan::bind(Program program, WeightStore& weights, StateStore& states, ThreadPool& pool,
                        bool canaries) {
  if (program.threads != pool.size() || program.isa > kernels::best_isa()) {
    return make_error(Code::Conflict,
                      "the plan is for {} threads and {}, this process has {} and {}; compile it "
                      "anew",
                      program.threads, kernels::name(program.isa), pool.size(),
                      kernels::name(kernels::best_isa()));
  }
  const std::vector<ProgramStep> steps = std::move(program.steps);
  auto impl = std::make_unique<Impl>(std::move(program), pool, canaries);
  VERGE_RETURN_IF_ERROR(impl->bind(steps, weights, states));
  return Plan(std::move(impl));
}

const TensorView& Plan::input(std::string_view name) {
  const auto at = impl_->inputs.find(name);
  VERGE_CHECK(at != impl_->inputs.end(), name);
  return impl_->views[static_cast<size_t>(at->second)];
}

bool Plan::has_input(std::string_view name) const {
  return impl_->inputs.contains(name);
}

const TensorView& Plan::output(std::string_view name) const {
  const auto at = impl_->outputs.find(name);
  VERGE_CHECK(at != impl_->outputs.end(), name);
  return impl_->views[static_cast<size_t>(at->second)];
}

bool Plan::run(std::span<const int64_t> extents, const std::atomic<bool>* cancel) {
  impl_->set_extents(extents);
  if (impl_->canaries) poison_arena(impl_->arena.get(), impl_->memory);
  // Every worker must stop after the same step: the first one names it before the step's barrier.
  std::atomic<size_t> stop_after{impl_->steps.size()};
  impl_->pool.run([&](Worker& worker) {
    for (size_t i = 0; i < impl_->steps.size() && i <= stop_after.load(); ++i) {
      if (worker.index() == 0 && cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
        stop_after.store(std::min(stop_after.load(), i));
      }
      impl_->run_step(impl_->steps[i], worker);
    }
  });
  if (impl_->canaries) check_guards(impl_->arena.get(), impl_->memory);
  return stop_after.load() == impl_->steps.size();
}

const Graph& Plan::graph() const {
  return impl_->graph;
}
const graph::MemoryPlan& Plan::memory_plan() const {
  return impl_->memory;
}

MemoryReport Plan::memory() const {
  MemoryReport report{
      impl_->memory.arena_bytes, impl_->memory.lower_bound_bytes, impl_->io_bytes, {}};
  if (!impl_->graph.nodes.empty()) {
    const Node& peak = impl_->graph.nodes[static_cast<size_t>(impl_->memory.peak_node)];
    report.peak_node = fmt::format("{} ({})", peak.op->name, peak.source);
  }
  return report;
}

std::vector<std::string> Plan::reference_nodes() const {
  std::vector<std::string> nodes;
  for (const Step& step : impl_->steps) {
    if (step.kernel != nullptr) continue;
    nodes.push_back(fmt::format("{} ({})", step.node->op->name, step.node->source));
  }
  return nodes;
}

void Plan::start_profile() {
  impl_->profiling = true;
  for (Step& step : impl_->steps) step.seconds = 0;
}

std::vector<NodeProfile> Plan::profile() const {
  std::vector<NodeProfile> profile;
  for (const Step& step : impl_->steps) {
    profile.push_back({std::string(step.node->op->name), step.node->source, step.seconds,
                       step.kernel == nullptr});
  }
  return profile;
}

}  // namespace verge::runtime
