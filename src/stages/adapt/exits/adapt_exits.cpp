#include <verge/stages/adapt/exits/adapt_exits.hpp>
#include <verge/stages/adapt/exits/exit_file.hpp>
#include <verge/stages/adapt/exits/exit_trainer.hpp>

namespace verge::adapt {
namespace {

using Progress = std::function<void(const runtime::LoopProgress&)>;

class Adaptation {
 public:
  Adaptation(const AdaptExitsOptions& options, ThreadPool& pool, const Clock& clock)
      : options_(options), pool_(pool), clock_(clock) {}

  // The model is in memory while heads learn from it; all weights learn without it.
  Status prepare() {
    VERGE_TRY(run_, prepare_run(options_));
    VERGE_TRY(model_, load_for_windows(options_.model, options_, pool_));
    VERGE_TRY(before_, measure_without_heads(*model_, run_, options_.context, pool_));
    if (options_.mode == ExitMode::Joint) model_.reset();
    VERGE_TRY(trainer_, model_ != nullptr ? make_tune_trainer(options_, run_, *model_, pool_)
                                          : make_joint_trainer(options_, run_, pool_));
    return {};
  }

  Status train(AdaptExitsResult& result, const Progress& on_progress,
               const std::atomic<bool>* cancel) {
    runtime::Trainer& trainer = trainer_->trainer();
    runtime::TrainingLoop loop(trainer,
                               runtime::LoopOptions{.checkpoint = options_.checkpoint,
                                                    .checkpoint_every = options_.checkpoint_every,
                                                    .note = run_.note},
                               clock_);
    VERGE_RETURN_IF_ERROR(loop.load());
    Status filled;
    const auto fill = [&](int64_t pass) {
      if (filled) filled = trainer_->fill(pass);
    };
    const auto report = [&](const runtime::LoopProgress& now) -> Status {
      VERGE_RETURN_IF_ERROR(filled);
      result.seconds = now.elapsed_s;
      if (on_progress) on_progress(now);
      return {};
    };
    VERGE_TRY(result.finished, loop.run({.fill = fill, .after_step = report}, cancel));
    result.steps = trainer.steps();
    result.reference_nodes = trainer.plan().reference_nodes();
    return {};
  }

  Status finish(AdaptExitsResult& result) {
    result.before = before_.exits;
    result.loss_before = before_.loss;
    result.positions = before_.positions;
    result.parameters = trained_parameters();
    if (!result.finished) return {};
    VERGE_RETURN_IF_ERROR(write_exits(options_, run_, trainer_->trainer().parameters(), pool_));
    trainer_.reset();
    model_.reset();
    VERGE_TRY(const auto written, load_for_windows(options_.output, options_, pool_));
    VERGE_TRY(const HeldOutQuality after,
              measure_heads(*written, options_.layers, run_, options_.context));
    result.after = after.exits;
    result.loss_after = after.loss;
    return {};
  }

 private:
  int64_t trained_parameters() const {
    int64_t count = trainer_->trainer().parameter_count();
    const bool is_fixed = options_.mode == ExitMode::Tune && !options_.is_untied;
    return is_fixed ? count - run_.output.shape().count() : count;
  }

  const AdaptExitsOptions& options_;
  ThreadPool& pool_;
  const Clock& clock_;
  ExitRun run_;
  std::unique_ptr<model::LanguageModel> model_;
  HeldOutQuality before_;
  std::unique_ptr<ExitTrainer> trainer_;
};

}  // namespace

Result<AdaptExitsResult> adapt_exits(const AdaptExitsOptions& options, ThreadPool& pool,
                                     const Clock& clock, const Progress& on_progress,
                                     const std::atomic<bool>* cancel) {
  Adaptation adaptation(options, pool, clock);
  VERGE_RETURN_IF_ERROR(adaptation.prepare());
  AdaptExitsResult result;
  VERGE_RETURN_IF_ERROR(adaptation.train(result, on_progress, cancel));
  VERGE_RETURN_IF_ERROR(adaptation.finish(result));
  return result;
}

}  // namespace verge::adapt
