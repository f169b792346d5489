#include <algorithm>
#include <limits>

#include <verge/stages/fit/tune/step_time.hpp>

namespace verge::fit {

Result<TrainingWork> full_work(const BaseModel& base, PlanOptions options, int threads) {
  options.memory_bytes = 0;
  options.observe = {};
  VERGE_TRY(const nn::UpdateScheme full, nn::preset_scheme("full", base.graph));
  VERGE_TRY(const TrainingPlan plan, compile_training(base, full, options, threads));
  return plan.work;
}

Result<StepTime> time_step(const BaseModel& base, const TrainingPlan& plan, ThreadPool& pool,
                           const Clock& clock) {
  constexpr int kRuns = 4;
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
  VERGE_TRY(const auto trainer, runtime::Trainer::bind(plan.step, values, options, pool));
  double best = std::numeric_limits<double>::infinity();
  for (int run = 0; run < kRuns; ++run) {
    const double begin = clock.seconds();
    trainer->step();
    if (run > 0) best = std::min(best, clock.seconds() - begin);
  }
  trainer->plan().start_profile();
  const double begin = clock.seconds();
  trainer->step();
  const double profiled = clock.seconds() - begin;
  return StepTime{1e3 * best, runtime::by_operator(trainer->plan()), 1e3 * profiled};
}

double StepTime::overhead() const {
  double of_nodes_ms = 0;
  for (const runtime::OperatorTime& time : profile) of_nodes_ms += 1e3 * time.seconds;
  return profiled_ms > 0 ? 1 - of_nodes_ms / profiled_ms : 0;
}

}  // namespace verge::fit
