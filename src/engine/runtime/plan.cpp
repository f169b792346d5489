#include <mutex>
#include <unordered_map>

#include <verge/core/clock.hpp>
#include <verge/engine/kernels/matmul.hpp>
#include <verge/engine/runtime/canaries.hpp>
#include <verge/engine/runtime/plan.hpp>
#include <verge/engine/runtime/step_list.hpp>

namespace verge::runtime {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

#ifdef VERGE_CANARIES  // every plan of a debug build
constexpr bool kAlwaysGuarded = true;
#else
constexpr bool kAlwaysGuarded = false;
#endif

}  // namespace

struct Plan::Impl {
  Graph graph;
  ThreadPool& pool;
  const kernels::Isa isa;
  const bool canaries;
  PlanValues values;
  StepList list;
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
        values(graph, std::move(program.memory), canaries) {}

  Status bind(const std::vector<ProgramStep>& program, WeightStore& weights, StateStore& states,
              const Backends& backends);
  struct Run;
  void run_step(size_t index, Worker& worker, Run& run);
  bool read_weights(PlanStep& step, size_t index, Worker& worker, Run& run);
  void fail(const Error& error, size_t index, Run& run);
};

Status Plan::Impl::bind(const std::vector<ProgramStep>& program, WeightStore& weights,
                        StateStore& states, const Backends& backends) {
  VERGE_RETURN_IF_ERROR(values.place(weights, states));
  VERGE_RETURN_IF_ERROR(list.bind(program, graph, values, weights, pool, isa, backends));
  for (size_t id = 0; id < graph.values.size(); ++id) {
    const Value& value = graph.values[id];
    if (value.kind == ValueKind::Input) inputs.emplace(value.name, static_cast<ValueId>(id));
    if (value.is_output) outputs.emplace(value.name, static_cast<ValueId>(id));
  }
  return {};
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
bool Plan::Impl::read_weights(PlanStep& step, size_t index, Worker& worker, Run& run) {
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
    if (step.choices > 0) list.choose_pieces(index);
    if (is_idle) {
      list.stream->skip();
    } else if (const auto ranges = list.stream->acquire(run.cancel)) {
      run.ranges = *ranges;
    } else {
      fail(ranges.error(), index, run);
    }
  }
  worker.sync();
  if (is_idle || run.is_stopped(index)) return false;
  pack_parts(step.streamed, run.ranges, worker);
  if (is_first) list.stream->release();
  return true;
}

void Plan::Impl::run_step(size_t index, Worker& worker, Run& run) {
  PlanStep& step = list.steps[index];
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
    if (step.region != nullptr) {
      step.region->run(step.inputs, step.outputs, worker);
    } else if (step.kernel != nullptr) {
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
  VERGE_TRY(Program program,
            make_program(std::move(graph), options.isa, pool.size(), options.chooser));
  return bind(std::move(program), weights, states, pool, options.canaries, options.backends);
}

Result<Plan> Plan::bind(Program program, WeightStore& weights, StateStore& states, ThreadPool& pool,
                        bool canaries, const Backends& backends) {
  if (program.threads != pool.size() || program.isa > kernels::best_isa()) {
    return make_error(Code::Conflict,
                      "the plan is for {} threads and {}, this process has {} and {}; compile it "
                      "anew",
                      program.threads, kernels::name(program.isa), pool.size(),
                      kernels::name(kernels::best_isa()));
  }
  const std::vector<ProgramStep> steps = std::move(program.steps);
  auto impl = std::make_unique<Impl>(std::move(program), pool, canaries);
  VERGE_RETURN_IF_ERROR(impl->bind(steps, weights, states, backends));
  return Plan(std::move(impl));
}

const TensorView& Plan::input(std::string_view name) {
  const auto at = impl_->inputs.find(name);
  VERGE_CHECK(at != impl_->inputs.end(), name);
  return impl_->values[at->second];
}

bool Plan::has_input(std::string_view name) const {
  return impl_->inputs.contains(name);
}

const TensorView& Plan::output(std::string_view name) const {
  const auto at = impl_->outputs.find(name);
  VERGE_CHECK(at != impl_->outputs.end(), name);
  return impl_->values[at->second];
}

bool Plan::run(std::span<const int64_t> extents, const std::atomic<bool>* cancel) {
  impl_->values.set_extents(extents);
  if (impl_->canaries) poison_arena(impl_->values.arena(), impl_->values.memory());
  impl_->failure.reset();
  if (impl_->list.ring != nullptr) impl_->list.stream->follow(impl_->list.ring);
  Impl::Run run{cancel, impl_->list.steps.size()};
  impl_->pool.run([&](Worker& worker) {
    for (size_t i = 0; i < impl_->list.steps.size() && i <= run.stop_after.load(); ++i) {
      impl_->run_step(i, worker, run);
    }
  });
  if (impl_->canaries) check_guards(impl_->values.arena(), impl_->values.memory());
  return run.stop_after.load() == impl_->list.steps.size();
}

const std::optional<Error>& Plan::failure() const {
  return impl_->failure;
}

const Graph& Plan::graph() const {
  return impl_->graph;
}
const graph::MemoryPlan& Plan::memory_plan() const {
  return impl_->values.memory();
}

MemoryReport Plan::memory() const {
  const graph::MemoryPlan& plan = memory_plan();
  MemoryReport report{plan.arena_bytes,
                      plan.lower_bound_bytes,
                      impl_->values.io_bytes(),
                      impl_->list.regions.bytes(),
                      {}};
  if (!impl_->graph.nodes.empty()) {
    const Node& peak = impl_->graph.nodes[static_cast<size_t>(plan.peak_node)];
    report.peak_node = fmt::format("{} ({})", peak.op->name, peak.source);
  }
  return report;
}

std::vector<std::string> Plan::reference_nodes() const {
  std::vector<std::string> nodes;
  for (const PlanStep& step : impl_->list.steps) {
    if (step.kernel != nullptr || step.region != nullptr) continue;
    nodes.push_back(fmt::format("{} ({})", step.node->op->name, step.node->source));
  }
  return nodes;
}

void Plan::start_profile() {
  impl_->profiling = true;
  for (PlanStep& step : impl_->list.steps) step.seconds = 0;
}

std::vector<NodeProfile> Plan::profile() const {
  std::vector<NodeProfile> profile;
  for (const PlanStep& step : impl_->list.steps) {
    profile.push_back({std::string(step.node->op->name), step.node->source, step.seconds,
                       step.kernel == nullptr && step.region == nullptr});
  }
  return profile;
}

}  // namespace verge::runtime
