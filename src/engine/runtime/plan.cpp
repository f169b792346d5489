#include <algorithm>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include <verge/core/clock.hpp>
#include <verge/engine/kernels/matmul.hpp>
#include <verge/engine/runtime/canaries.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/engine/runtime/plan_step.hpp>

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

#ifdef VERGE_CANARIES  // every plan of a debug build
constexpr bool kAlwaysGuarded = true;
#else
constexpr bool kAlwaysGuarded = false;
#endif

using Step = PlanStep;

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
  WeightStream* stream = nullptr;  // null: all weights are in memory
  std::shared_ptr<const StreamRing> ring;
  std::vector<uint8_t> needed;                            // of pieces that are chosen
  std::unordered_map<std::string_view, ValueId> inputs;   // by name, as callers ask for them
  std::unordered_map<std::string_view, ValueId> outputs;  // at every step
  SystemClock clock;
  bool profiling = false;
  std::mutex failure_mutex;
  std::optional<Error> failure;  // of the last run

  Impl(Program program, ThreadPool& p, bool guarded)
      : graph(std::move(program.graph)),
        pool(p),
        isa(program.isa),
        canaries(guarded || kAlwaysGuarded),
        memory(std::move(program.memory)) {}

  Status bind(const std::vector<ProgramStep>& program, WeightStore& weights, StateStore& states);
  Status place_outside(WeightStore& weights, StateStore& states);
  void link_products();
  void place_arena();
  Status make_steps(const std::vector<ProgramStep>& program, WeightStore& weights);
  void follow(TensorView& view, ValueId id);
  void set_extents(std::span<const int64_t> now);
  Status add_step(const ProgramStep& from, WeightStore& weights, StreamRing& pieces);
  void group_choices();
  void choose_pieces(size_t index);
  struct Run;
  void run_step(size_t index, Worker& worker, Run& run);
  bool read_weights(Step& step, size_t index, Worker& worker, Run& run);
  void fail(const Error& error, size_t index, Run& run);

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
    const bool is_product = step.packed != 0 && step.kernel->wants_packed != nullptr;
    if (is_product && step.streamed.empty()) products.push_back(&step);
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

// A step of the program as calls: one, or several where its weights pass through the stream.
Status Plan::Impl::add_step(const ProgramStep& from, WeightStore& weights, StreamRing& pieces) {
  Step step{.kernel = from.kernel,
            .node = &graph.nodes[static_cast<size_t>(from.node)],
            .packed = from.packed};
  step.attrs = &step.node->attrs;
  step.input_ids = step.node->inputs;
  step.output_ids = step.node->outputs;
  for (ValueId id : step.input_ids) step.inputs.push_back(view_of(id));
  for (ValueId id : step.output_ids) step.outputs.push_back(view_of(id));
  const int32_t workspace = memory.workspace_of_node[static_cast<size_t>(from.node)];
  if (workspace >= 0) step.workspace = buffer(workspace);
  bool is_cut = false;
  const bool can_cut = from.kernel != nullptr && from.kernel->row_products != nullptr;
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    if (step.input_ids[i] == kNone) continue;
    const std::string& name = graph.value(step.input_ids[i]).name;
    const bool is_packed = step.call().is_packed(i), is_streamed = weights.is_streamed(name);
    if (can_cut && is_packed && is_streamed) {
      step.inputs[i].data = nullptr;
      is_cut = true;
    } else if (weights.is_read_by_rows(name) && (is_streamed || !is_packed)) {
      gather_step(step, *weights.place(name), pool.size());
      break;
    } else if (is_packed) {
      VERGE_TRY(step.inputs[i], weights.packed(name, pool));
    }
  }
  if (is_cut) {
    cut_step(std::move(step), graph, weights, steps, pieces);
  } else {
    steps.push_back(std::move(step));
  }
  return {};
}

// Optional pieces that one value decides on are chosen together, as soon as it is there.
void Plan::Impl::group_choices() {
  Step* first = nullptr;
  for (Step& step : steps) {
    if (step.streamed.empty() || step.selector == kNone) continue;
    if (first == nullptr || first->selector != step.selector) first = &step;
    needed.resize(std::max(needed.size(), ++first->choices));
  }
}

// Tells the stream which of the optional pieces from this step on the run needs.
void Plan::Impl::choose_pieces(size_t index) {
  const size_t count = steps[index].choices;
  for (size_t chosen = 0; chosen < count; ++index) {
    const Step& step = steps[index];
    if (step.streamed.empty() || step.selector == kNone) continue;
    needed[chosen++] = step.kernel->is_idle(step.call()) ? 0 : 1;
  }
  stream->choose(std::span(needed).first(count));
}

Status Plan::Impl::make_steps(const std::vector<ProgramStep>& program, WeightStore& weights) {
  StreamRing pieces;
  for (const ProgramStep& from : program) {
    VERGE_RETURN_IF_ERROR(add_step(from, weights, pieces));
  }
  if (!pieces.empty()) {
    stream = weights.stream();
    ring = stream->share(std::move(pieces));
  }
  group_choices();
  for (Step& step : steps) {  // they stay where they are from now on
    for (size_t i = 0; i < step.inputs.size(); ++i) follow(step.inputs[i], step.input_ids[i]);
    for (size_t i = 0; i < step.outputs.size(); ++i) follow(step.outputs[i], step.output_ids[i]);
    if (step.gathered != nullptr) follow(step.gathered->ids, step.input_ids[1]);
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

// What the workers of one run share. Every one of them must stop after the same step, which is
// named before a barrier of that step, by the first of them, or by any whose reading has failed.
struct Plan::Impl::Run {
  const std::atomic<bool>* cancel;
  std::atomic<size_t> stop_after;
  std::span<const std::byte* const> ranges = {};  // of the piece at hand

  bool is_stopped(size_t index) const { return stop_after.load() <= index; }
};

void Plan::Impl::fail(const Error& error, size_t index, Run& run) {
  run.stop_after.store(index);
  const std::lock_guard lock(failure_mutex);
  if (!failure && error.code != Code::Cancelled) failure = error;
}

// Waits for what the step needs of storage; whether there is anything to run after that.
bool Plan::Impl::read_weights(Step& step, size_t index, Worker& worker, Run& run) {
  const bool is_first = worker.index() == 0;
  if (step.gathered != nullptr) {
    const Status status = read_rows(*step.gathered, worker);
    if (!status) fail(status.error(), index, run);
    worker.sync();
    return !run.is_stopped(index);
  }
  if (step.streamed.empty()) return true;
  const bool is_idle = step.selector != kNone && step.kernel->is_idle(step.call());
  if (is_first && !run.is_stopped(index)) {
    if (step.choices > 0) choose_pieces(index);
    if (is_idle) {
      stream->skip();
    } else if (const auto ranges = stream->acquire(run.cancel)) {
      run.ranges = *ranges;
    } else {
      fail(ranges.error(), index, run);
    }
  }
  worker.sync();
  if (is_idle || run.is_stopped(index)) return false;
  pack_parts(step.streamed, run.ranges, worker);
  if (is_first) stream->release();
  return true;
}

void Plan::Impl::run_step(size_t index, Worker& worker, Run& run) {
  Step& step = steps[index];
  const bool has_barrier = step.gathered != nullptr || !step.streamed.empty();
  if (!has_barrier && step.kernel != nullptr && step.kernel->is_idle != nullptr &&
      step.kernel->is_idle(step.call())) {
    return;  // without a barrier: nothing may be named here
  }
  if (worker.index() == 0 && run.cancel != nullptr && run.cancel->load(std::memory_order_relaxed)) {
    run.stop_after.store(std::min(run.stop_after.load(), index));
  }
  const bool timing = profiling && worker.index() == 0;
  const double begin = timing ? clock.seconds() : 0;
  if (read_weights(step, index, worker, run)) {
    if (step.kernel != nullptr) {
      step.kernel->run(step.call(), worker, isa);
      for (const kernels::PackedMatrix& weights : step.next) {
        kernels::prefetch_weights(weights, worker);
      }
    } else if (worker.index() == 0) {
      step.node->op->reference(step.call());
    }
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
  impl_->failure.reset();
  if (impl_->ring != nullptr) impl_->stream->follow(impl_->ring);
  Impl::Run run{cancel, impl_->steps.size()};
  impl_->pool.run([&](Worker& worker) {
    for (size_t i = 0; i < impl_->steps.size() && i <= run.stop_after.load(); ++i) {
      impl_->run_step(i, worker, run);
    }
  });
  if (impl_->canaries) check_guards(impl_->arena.get(), impl_->memory);
  return run.stop_after.load() == impl_->steps.size();
}

const std::optional<Error>& Plan::failure() const {
  return impl_->failure;
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
