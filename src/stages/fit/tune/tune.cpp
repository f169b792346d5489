#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include <verge/stages/fit/tune/tune.hpp>
#include <verge/stages/fit/tune/tuned_delta.hpp>
#include <verge/stages/fit/tune/tuned_files.hpp>

namespace verge::fit {
namespace {

constexpr double kSgdRate = 1e-2, kAdaptiveRate = 1e-3, kMostEpochs = 1e6;

runtime::Schedule schedule_of(const TuneOptions& options, const TrainingPlan& plan,
                              const TaskData& data) {
  const bool is_sgd = plan.settings.optimizer.kind == graph::OptimizerKind::Sgd;
  const double usual = is_sgd ? kSgdRate : kAdaptiveRate;
  const auto epochs = std::lround(options.epochs * static_cast<double>(data.passes_per_epoch()));
  const int64_t of_epochs = std::max<int64_t>(1, epochs / plan.settings.accumulate);
  const int64_t steps = options.steps > 0 ? options.steps : of_epochs;
  return {.peak = options.learning_rate > 0 ? options.learning_rate : usual,
          .warmup = steps / 10,
          .steps = steps,
          .final_share = 0.01};
}

class Tuning {
 public:
  Tuning(const TuneOptions& options, ThreadPool& pool, const Clock& clock)
      : options_(options), pool_(pool), clock_(clock) {}

  Status prepare() {
    if (options_.output.empty() && options_.delta.empty()) {
      return make_error(Code::InvalidArgument,
                        "nothing would be kept: give --out FILE, --delta FILE or both");
    }
    if (options_.steps == 0 && !(options_.epochs > 0 && options_.epochs < kMostEpochs)) {
      return make_error(Code::InvalidArgument, "--epochs {}: give more than 0, below {}",
                        options_.epochs, kMostEpochs);
    }
    VERGE_TRY(plan_, read_training_plan(options_.plan));
    const std::string& path = options_.model.empty() ? plan_.settings.model : options_.model;
    VERGE_TRY(base_, open_base_model(path, plan_.settings.shape));
    VERGE_RETURN_IF_ERROR(expect_plan_of(base_, plan_));
    plan_.memory.frozen_bytes = base_.copied_bytes;
    if (!options_.output.empty()) {
      VERGE_RETURN_IF_ERROR(expect_writable(options_.output, base_, plan_));
    }
    DataOptions data = options_.data;
    data.seed = options_.seed;
    VERGE_TRY(data_, open_task_data(base_, plan_.settings.shape, data));
    schedule_ = schedule_of(options_, plan_, *data_);
    VERGE_TRY(run_, TuningRun::create(base_, plan_, *data_, schedule_, options_.has_new_head,
                                      options_.seed, pool_));
    if (!options_.delta.empty()) {  // before hours of training
      VERGE_TRY(delta_, TunedDelta::open(base_, *run_));
    }
    checkpoint_ = options_.checkpoint;
    if (checkpoint_.empty()) {
      checkpoint_ = (options_.output.empty() ? options_.delta : options_.output) + ".checkpoint";
    }
    return {};
  }

  Status train(TuneResult& result, const std::function<void(const TuneProgress&)>& on_progress,
               const std::atomic<bool>* cancel) {
    VERGE_TRY(result.before, run_->held_out());
    runtime::TrainingLoop loop(run_->trainer(),
                               {.checkpoint = checkpoint_,
                                .checkpoint_every = options_.checkpoint_every,
                                .note = note(),
                                .governor = options_.governor,
                                .telemetry = options_.telemetry},
                               clock_);
    VERGE_RETURN_IF_ERROR(loop.load());
    const double begin = clock_.seconds();
    std::vector<double> losses;
    double step_ms = 0;
    const auto report = [&](const runtime::LoopProgress& now) -> Status {
      losses.push_back(now.loss);
      step_ms += now.step_ms;
      result.samples_per_s = now.steps_per_s * static_cast<double>(plan_.settings.accumulate *
                                                                   data_->samples_per_pass());
      if (on_progress) on_progress({now, result.samples_per_s, data_->unit()});
      return {};
    };
    const auto fill = [this](int64_t pass) { run_->fill(pass); };
    VERGE_TRY(result.finished, loop.run({.fill = fill, .after_step = report}, cancel));
    result.seconds = clock_.seconds() - begin;
    result.steps = run_->trainer().steps();
    if (!losses.empty()) result.step_ms = step_ms / static_cast<double>(losses.size());
    summarise(losses, result);
    VERGE_TRY(result.after, run_->held_out());
    return {};
  }

  void describe(TuneResult& result) const {
    result.memory = plan_.memory;
    result.evaluation_bytes = plan_.evaluate.memory.arena_bytes;
    result.parameters = plan_.settings.parameters;
    result.unit = data_->unit();
    result.has_accuracy = run_->has_accuracy();
    result.is_squared_error = plan_.settings.shape.squared_error;
    result.reference_nodes = fit::reference_nodes(plan_);
  }

  Status write(TuneResult& result) {
    if (!options_.output.empty()) {
      VERGE_RETURN_IF_ERROR(
          write_tuned(options_.output, base_, plan_, *run_, lineage(result), pool_));
    }
    if (!options_.delta.empty()) {
      VERGE_TRY(result.delta, delta_->write(options_.delta, base_, *run_, pool_));
    }
    std::error_code ignored;
    if (options_.checkpoint.empty()) std::filesystem::remove(checkpoint_, ignored);
    return {};
  }

 private:
  static void summarise(const std::vector<double>& losses, TuneResult& result) {
    if (losses.empty()) return;
    const size_t tenth = std::max<size_t>(1, losses.size() / 10);
    for (size_t i = 0; i < tenth; ++i) {
      result.first_loss += losses[i] / static_cast<double>(tenth);
      result.last_loss += losses[losses.size() - 1 - i] / static_cast<double>(tenth);
    }
  }

  // What a checkpoint depends on beside the plan's parameters and moments.
  std::string note() const {
    return fmt::format(
        "tune {} {} batch {} steps {} lr {} seed {} new head {} data {} held out {} first {}",
        print_settings(plan_.settings), base_.hash, plan_.settings.shape.batch, schedule_.steps,
        schedule_.peak, options_.seed, options_.has_new_head, data_->checksum(),
        options_.data.held_out, options_.data.training_images);
  }

  std::vector<std::pair<std::string, std::string>> lineage(const TuneResult& result) const {
    return {{"command", options_.command},
            {"base_xxh3", base_.hash},
            {"data_xxh3", data_->checksum()},
            {"seed", fmt::format("{}", options_.seed)},
            {"steps", fmt::format("{}", result.steps)},
            {"held_out_loss", fmt::format("{:.4f}", result.after.loss)}};
  }

  const TuneOptions& options_;
  ThreadPool& pool_;
  const Clock& clock_;
  TrainingPlan plan_;
  BaseModel base_;
  std::unique_ptr<TaskData> data_;
  runtime::Schedule schedule_;
  std::unique_ptr<TuningRun> run_;
  std::optional<TunedDelta> delta_;
  std::string checkpoint_;
};

}  // namespace

Result<TuneResult> tune(const TuneOptions& options, ThreadPool& pool, const Clock& clock,
                        const std::function<void(const TuneProgress&)>& on_progress,
                        const std::atomic<bool>* cancel) {
  Tuning tuning(options, pool, clock);
  VERGE_RETURN_IF_ERROR(tuning.prepare());
  TuneResult result;
  VERGE_RETURN_IF_ERROR(tuning.train(result, on_progress, cancel));
  tuning.describe(result);
  if (result.finished) VERGE_RETURN_IF_ERROR(tuning.write(result));
  return result;
}

}  // namespace verge::fit
