#pragma once
// TrainingLoop: what every run of a Trainer has beside its data: the steps in order, progress,
// checkpoints, cancelling, pausing, and a governor that may slow it down.
//
//   TrainingLoop loop(*trainer, {.checkpoint = "run.ckpt", .note = options}, clock);
//   VERGE_RETURN_IF_ERROR(loop.load());
//   VERGE_TRY(const bool finished, loop.run({.fill = draw_batch, .after_step = show}, &cancel));
//
// run() is called from one thread; pause() and resume() from any.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include <verge/core/clock.hpp>
#include <verge/engine/runtime/governor.hpp>
#include <verge/engine/runtime/trainer.hpp>

namespace verge::runtime {

struct LoopOptions {
  std::string checkpoint = {};     // path; empty: none
  int64_t checkpoint_every = 200;  // steps
  std::string note = {};           // what the checkpoint depends on
  Governor governor = {};          // null: none
  std::function<Telemetry()> telemetry = {};
  double look_every_s = 2;  // at the telemetry
  /// For tests: passes the time instead of waiting. Null: waits, but not beyond resume().
  std::function<void(double seconds)> wait = {};
};

struct LoopProgress {
  int64_t step = 0, steps = 0;
  double loss = 0;  // the mean over the step's passes
  double learning_rate = 0;
  double step_ms = 0;      // of this step: data, forward, backward and update
  double steps_per_s = 0;  // since run() began, evaluations and pauses included
  double elapsed_s = 0;
  double waited_s = 0;  // of it, paused or slowed down
  double remaining_s = 0;
};

struct LoopWork {
  /// Writes the trainer's inputs for a pass forward and backward, counted over the whole training.
  std::function<void(int64_t pass)> fill;
  /// Evaluates and reports; an error ends the run.
  std::function<Status(const LoopProgress&)> after_step;
};

class TrainingLoop {
 public:
  TrainingLoop(Trainer& trainer, LoopOptions options, const Clock& clock);

  /// Goes on from the checkpoint if there is one; else as Trainer::load.
  Status load();
  /// Trains to the schedule's last step and saves: true. False: cancelled, the checkpoint holds the
  /// rest. Fails as Trainer::check_finite for a loss that is no number, or as saving does.
  Result<bool> run(const LoopWork& work, const std::atomic<bool>* cancel = nullptr);

  /// Waits before the next step, with the checkpoint saved, until resume().
  void pause();
  void resume();

 private:
  bool is_cancelled() const { return cancel_ != nullptr && cancel_->load(); }
  Status hold();
  Status step(const LoopWork& work, LoopProgress& progress);
  void look();
  void wait(double seconds, bool is_pause);
  bool is_paused();
  Status save();

  Trainer& trainer_;
  const LoopOptions options_;
  const Clock& clock_;
  const std::atomic<bool>* cancel_ = nullptr;
  Pace pace_;
  double looked_s_ = 0;
  double waited_s_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_paused_ = false;
};

}  // namespace verge::runtime
