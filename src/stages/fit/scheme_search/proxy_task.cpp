#include <cmath>

#include <verge/stages/fit/scheme_search/proxy_task.hpp>
#include <verge/stages/fit/tune/array_data.hpp>

namespace verge::fit {

Result<std::unique_ptr<ProxyTask>> ProxyTask::open(const SearchOptions& options, ThreadPool& pool) {
  VERGE_TRY(BaseModel base, open_base_model(options.model, options.plan.shape));
  auto task = std::make_unique<ProxyTask>(std::move(base), options, pool);
  VERGE_RETURN_IF_ERROR(task->open_data(options.data.seed));
  return task;
}

Status ProxyTask::open_data(uint64_t seed) {
  if (data_ != nullptr && data_seed_ == seed) return {};
  DataOptions data = options_.data;
  data.seed = seed;
  VERGE_TRY(data_, open_task_data(base_, options_.plan.shape, data));
  data_seed_ = seed;
  return {};
}

bool ProxyTask::takes_arrays() const {
  return base_.kind == BaseKind::Onnx && are_arrays(options_.data.paths);
}

double ProxyTask::learning_rate() const {
  const bool is_sgd = options_.plan.optimizer.kind == graph::OptimizerKind::Sgd;
  const double usual = is_sgd ? 1e-2 : 1e-3;
  return options_.learning_rate > 0 ? options_.learning_rate : usual;
}

Result<TrainingPlan> ProxyTask::plan(const nn::UpdateScheme& scheme, int64_t memory_bytes) const {
  PlanOptions options = options_.plan;
  options.memory_bytes = memory_bytes;
  options.disabled_passes.push_back("recompute");
  return compile_training(base_, scheme, options, pool_.size());
}

Result<double> ProxyTask::score(const nn::UpdateScheme& scheme, const ProxyRun& how) {
  const uint64_t data_seed = takes_arrays() ? options_.data.seed : how.seed;
  VERGE_RETURN_IF_ERROR(open_data(data_seed));
  VERGE_TRY(const TrainingPlan plan, this->plan(scheme, 0));
  const runtime::Schedule schedule{
      .peak = how.learning_rate, .warmup = how.steps / 10, .steps = how.steps, .final_share = 0.01};
  VERGE_TRY(const auto run, TuningRun::create(base_, plan, *data_, schedule, options_.has_new_head,
                                              how.seed, pool_));
  const int64_t epoch = data_->passes_per_epoch(), epochs = (how.steps + epoch - 1) / epoch;
  const int64_t first = static_cast<int64_t>(how.seed - data_seed) * epochs * epoch;
  for (int64_t step = 0; step < how.steps; ++step) {
    run->fill(first + step);
    run->trainer().step();
  }
  VERGE_RETURN_IF_ERROR(run->trainer().check_finite(0, ""));
  VERGE_TRY(const HeldOut held_out, run->held_out());
  const double score = base_.has_classes() ? held_out.accuracy : -held_out.loss;
  if (std::isfinite(score)) return score;
  return make_error(Code::Malformed,
                    "{}: the loss of what is held out is no number; give a smaller "
                    "--lr",
                    base_.path);
}

}  // namespace verge::fit
