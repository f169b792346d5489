#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include <verge/core/units.hpp>
#include <verge/engine/graph/recompute.hpp>
#include <verge/stages/fit/tune/step_budget.hpp>

namespace verge::fit {
namespace {

// Of kernels: the fastest here, those of a rule, or those that transform no weights.
enum class Ways : uint8_t { Timed, Rule, Direct };

void run_directly(const graph::Graph& graph, std::vector<runtime::ProgramStep>& steps) {
  for (runtime::ProgramStep& step : steps) {
    if (step.choice.empty()) continue;
    VERGE_CHECK(runtime::set_choice(graph, "direct", step).ok(), step.node);
  }
}

// A step below a budget, made of the graph that the passes left.
class Shrinking {
 public:
  Shrinking(TrainingPlan& plan, const BaseModel& base, const PlanOptions& options)
      : plan_(plan),
        base_(base),
        options_(options),
        graph_(plan.step.graph),
        packing_(plan.step.packing) {}

  // What a budget asks for, the cheapest first, by the fastest ways of kernels first. What takes
  // least is left where nothing is within it.
  Status run() {
    if (is_within()) return {};
    std::optional<TrainingPlan> least;
    for (const Ways ways : {Ways::Timed, Ways::Rule, Ways::Direct}) {
      if (ways == Ways::Timed && options_.chooser == nullptr) continue;
      VERGE_RETURN_IF_ERROR(make(graph_, ways, packing_));
      plan_.recomputed = 0;
      if (!is_within()) VERGE_RETURN_IF_ERROR(unpack(ways));
      if (!is_within()) VERGE_RETURN_IF_ERROR(recompute(ways));
      if (is_within()) return {};
      if (!least || plan_.memory.total() < least->memory.total()) least = plan_;
    }
    plan_ = std::move(*least);
    return {};
  }
  bool is_within() const { return plan_.memory.total() <= options_.memory_bytes; }

 private:
  Status make(graph::Graph graph, Ways ways, runtime::Packing packing) {
    VERGE_TRY(plan_.step,
              runtime::make_program(std::move(graph), plan_.step.isa, plan_.step.threads,
                                    ways == Ways::Timed ? options_.chooser : nullptr, packing));
    if (ways == Ways::Direct) {
      run_directly(plan_.step.graph, plan_.step.steps);
      runtime::plan_memory(plan_.step);
    }
    plan_.memory = memory_of(plan_.step, plan_.update, base_.copied_bytes);
    return {};
  }

  // Weights that are packed at each step anew: some, where that is enough, or all of them that
  // can, where that takes less.
  Status unpack(Ways ways) {
    const runtime::Program packed = plan_.step;
    const TrainingMemory memory = plan_.memory;
    VERGE_RETURN_IF_ERROR(make(graph_, ways, runtime::Packing::Least));
    if (is_within()) return unpack_fewest(packed);
    if (plan_.memory.total() < memory.total()) return {};
    plan_.step = packed;
    plan_.memory = memory;
    return {};
  }

  // Of the weights that the step before held in their kernels' layouts, the largest, as many as
  // must be.
  Status unpack_fewest(const runtime::Program& packed) {
    std::vector<runtime::PreparedWeight> weights = runtime::prepared_weights(packed);
    std::ranges::stable_sort(weights, std::ranges::greater(), &runtime::PreparedWeight::bytes);
    size_t too_few = 0, enough = weights.size() + 1;  // that many: all, as the step is now
    while (enough - too_few > 1) {
      const size_t count = (too_few + enough) / 2;
      std::set<graph::ValueId> chosen;
      for (size_t i = 0; i < count; ++i) chosen.insert(weights[i].weight);
      runtime::Program tried = packed;
      for (runtime::ProgramStep& step : tried.steps) {
        const graph::Node& node = tried.graph.nodes[static_cast<size_t>(step.node)];
        const bool reads = std::ranges::any_of(
            node.inputs, [&](graph::ValueId input) { return chosen.contains(input); });
        if (reads && runtime::can_unpack(tried.graph, step)) runtime::unpack(tried.graph, step);
      }
      runtime::plan_memory(tried);
      TrainingMemory memory = memory_of(tried, plan_.update, base_.copied_bytes);
      if (memory.total() > options_.memory_bytes) {
        too_few = count;
        continue;
      }
      enough = count;
      plan_.step = std::move(tried);
      plan_.memory = std::move(memory);
    }
    return {};
  }

  // Values computed twice until the arena leaves the rest its room below the budget.
  Status recompute(Ways ways) {
    if (is_left_out(options_, kRecompute)) return {};
    const runtime::Program& step = plan_.step;
    const auto arena_bytes = [&](const graph::Graph& graph) {
      auto steps = runtime::choose_kernels(graph, ways == Ways::Timed ? options_.chooser : nullptr,
                                           step.packing);
      if (ways == Ways::Direct) run_directly(graph, steps);
      return graph::plan_memory(graph,
                                runtime::workspace_bytes(graph, steps, step.threads, step.isa))
          .arena_bytes;
    };
    const int64_t rest_bytes = plan_.memory.total() - plan_.memory.arena_bytes;
    graph::Recomputed result =
        graph::recompute(step.graph, options_.memory_bytes - rest_bytes, arena_bytes);
    plan_.recomputed = result.values;
    return make(std::move(result.graph), ways, step.packing);
  }

  TrainingPlan& plan_;
  const BaseModel& base_;
  const PlanOptions& options_;
  const graph::Graph graph_;
  const runtime::Packing packing_;
};

}  // namespace

bool is_left_out(const PlanOptions& options, std::string_view part) {
  return std::ranges::find(options.disabled_passes, part) != options.disabled_passes.end();
}

Status fit_budget(TrainingPlan& plan, const BaseModel& base, const PlanOptions& options) {
  if (options.memory_bytes <= 0) return {};
  Shrinking shrinking(plan, base, options);
  VERGE_RETURN_IF_ERROR(shrinking.run());
  if (shrinking.is_within()) return {};
  const TrainingMemory& memory = plan.memory;
  return make_error(
      Code::OutOfMemory,
      "{} do not do: this scheme takes at least {} (arena {}, state {}, updated "
      "parameters {}, inputs {}, packed weights {}, f32 copies {}); the peak is at "
      "{}, where {} is the largest tensor; give --memory {} or a smaller scheme, or take fewer "
      "samples a pass by --batch and --accumulate",
      show_bytes(options.memory_bytes), show_bytes(memory.total()), show_bytes(memory.arena_bytes),
      show_bytes(memory.state_bytes), show_bytes(memory.parameter_bytes),
      show_bytes(memory.io_bytes), show_bytes(memory.packed_bytes), show_bytes(memory.frozen_bytes),
      memory.peak_node, memory.peak_value, memory.total());
}

}  // namespace verge::fit
