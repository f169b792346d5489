#include <algorithm>
#include <functional>
#include <limits>

#include <verge/stages/fit/tune/step_time.hpp>

namespace verge::fit {
namespace {

double ms_of_run(const std::function<void()>& run, const Clock& clock) {
  const double begin = clock.seconds();
  run();
  return 1e3 * (clock.seconds() - begin);
}

double shortest_ms(const std::function<void()>& run, const Clock& clock) {
  constexpr int kTimedRuns = 3;
  run();  // to warm up
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kTimedRuns; ++i) best = std::min(best, ms_of_run(run, clock));
  return best;
}

}  // namespace

Result<TrainingWork> full_work(const BaseModel& base, PlanOptions options, int threads) {
  options.memory_bytes = 0;
  options.chooser = nullptr;
  options.observe = {};
  VERGE_TRY(const nn::UpdateScheme full, nn::preset_scheme("full", base.graph));
  VERGE_TRY(const TrainingPlan plan, compile_training(base, full, options, threads));
  return plan.work;
}

Result<StepTime> time_step(const BaseModel& base, const TrainingPlan& plan, ThreadPool& pool,
                           const Clock& clock) {
  const auto values = [&](const std::string& name) -> Result<runtime::InitialTensor> {
    const auto at = base.weights.find(name);
    if (at != base.weights.end()) return at->second;
    const graph::Value& factor = plan.step.graph.value(plan.step.graph.find(name));
    const auto zeros =
        std::make_shared<const Tensor>(factor.type.dtype, plan.step.graph.bound_shape(factor.type));
    return runtime::InitialTensor{zeros->view(), zeros};
  };
  runtime::TrainerOptions options;
  options.optimizer = plan.settings.optimizer;
  options.accumulate = plan.settings.accumulate;
  VERGE_TRY(const auto trainer, runtime::Trainer::bind(plan.programs(), values, options, pool));
  const auto passes = static_cast<double>(trainer->passes());
  const auto pass = [&] { trainer->plan().run(std::span<const int64_t>{}); };
  const auto update = [&] { trainer->update(); };
  // Of a step, by `ms_of` of its parts.
  const auto of_step = [&](const auto& ms_of) {
    const double accumulated = plan.update ? passes * ms_of(pass) : 0;
    return accumulated + ms_of(update);
  };
  StepTime time;
  time.ms = of_step([&](const auto& run) { return shortest_ms(run, clock); });
  trainer->start_profile();
  time.profiled_ms = of_step([&](const auto& run) { return ms_of_run(run, clock); });
  std::vector<runtime::NodeProfile> nodes = trainer->profile();
  if (plan.update) {
    const size_t of_pass = trainer->plan().profile().size();
    for (size_t i = 0; i < of_pass; ++i) nodes[i].seconds *= passes;
  }
  time.profile = runtime::by_operator(nodes);
  return time;
}

double StepTime::overhead() const {
  double of_nodes_ms = 0;
  for (const runtime::OperatorTime& time : profile) of_nodes_ms += 1e3 * time.seconds;
  return profiled_ms > 0 ? 1 - of_nodes_ms / profiled_ms : 0;
}

}  // namespace verge::fit
