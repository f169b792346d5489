#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>

#include <verge/engine/runtime/training_loop.hpp>

namespace verge::runtime {
namespace {

constexpr double kLongestWaitS = 0.2;  // a cancelled run ends after at most this

}  // namespace

TrainingLoop::TrainingLoop(Trainer& trainer, LoopOptions options, const Clock& clock)
    : trainer_(trainer),
      options_(std::move(options)),
      clock_(clock),
      looked_s_(-std::numeric_limits<double>::infinity()) {}

Status TrainingLoop::load() {
  if (options_.checkpoint.empty() || !std::filesystem::exists(options_.checkpoint)) return {};
  return trainer_.load(options_.checkpoint, options_.note);
}

Status TrainingLoop::save() {
  if (options_.checkpoint.empty()) return {};
  return trainer_.save(options_.checkpoint, options_.note);
}

void TrainingLoop::pause() {
  const std::scoped_lock lock(mutex_);
  is_paused_ = true;
}

bool TrainingLoop::is_paused() {
  const std::scoped_lock lock(mutex_);
  return is_paused_;
}

void TrainingLoop::resume() {
  const std::scoped_lock lock(mutex_);
  is_paused_ = false;
  changed_.notify_all();
}

void TrainingLoop::wait(double seconds, bool is_pause) {
  const double begin = clock_.seconds();
  if (options_.wait) {
    options_.wait(seconds);
  } else {
    const double end = begin + seconds;
    std::unique_lock lock(mutex_);
    for (double left = seconds; left > 0; left = end - clock_.seconds()) {
      if (is_cancelled() || (is_pause && !is_paused_)) break;
      changed_.wait_for(lock, std::chrono::duration<double>(std::min(left, kLongestWaitS)));
    }
  }
  waited_s_ += clock_.seconds() - begin;
}

void TrainingLoop::look() {
  if (!options_.governor || !options_.telemetry) return;
  const double now = clock_.seconds();
  if (now - looked_s_ < options_.look_every_s) return;
  looked_s_ = now;
  pace_ = options_.governor(options_.telemetry(), pace_);
}

// Before a step: waits while somebody or the governor says so. A device may be switched off in a
// pause, so the state is saved when it begins.
Status TrainingLoop::hold() {
  for (bool is_saved = false; !is_cancelled();) {
    look();
    const bool is_pause = is_paused();
    if (!is_pause && !pace_.is_paused) return {};
    if (!std::exchange(is_saved, true)) VERGE_RETURN_IF_ERROR(save());
    wait(options_.look_every_s, is_pause);
  }
  return {};
}

Status TrainingLoop::step(const LoopWork& work, LoopProgress& progress) {
  const double begin = clock_.seconds();
  const int64_t passes = std::max<int64_t>(1, trainer_.passes());
  double sum = 0;
  for (int64_t pass = 0; pass < passes; ++pass) {
    work.fill(trainer_.steps() * passes + pass);
    trainer_.step();
    sum += *trainer_.output("loss").as<float>();
  }
  progress.step_ms = 1e3 * (clock_.seconds() - begin);
  progress.step = trainer_.steps();
  progress.loss = sum / static_cast<double>(passes);
  progress.learning_rate = learning_rate(trainer_.schedule(), progress.step - 1);
  if (std::isfinite(progress.loss)) return {};
  return trainer_.check_finite(static_cast<float>(progress.loss), options_.checkpoint);
}

Result<bool> TrainingLoop::run(const LoopWork& work, const std::atomic<bool>* cancel) {
  cancel_ = cancel;
  waited_s_ = 0;
  const double begin = clock_.seconds();
  const int64_t first = trainer_.steps();
  LoopProgress progress{.steps = trainer_.schedule().steps};
  while (trainer_.steps() < progress.steps) {
    VERGE_RETURN_IF_ERROR(hold());
    if (is_cancelled()) {
      VERGE_RETURN_IF_ERROR(save());
      return false;
    }
    VERGE_RETURN_IF_ERROR(step(work, progress));
    if (pace_.share < 1)
      wait(progress.step_ms * 1e-3 * (1 / std::max(pace_.share, 0.01) - 1), false);
    const auto done = static_cast<double>(progress.step - first);
    progress.elapsed_s = clock_.seconds() - begin;
    progress.waited_s = waited_s_;
    progress.steps_per_s = progress.elapsed_s > 0 ? done / progress.elapsed_s : 0;
    progress.remaining_s =
        progress.elapsed_s / done * static_cast<double>(progress.steps - progress.step);
    VERGE_RETURN_IF_ERROR(work.after_step(progress));
    if (progress.step % options_.checkpoint_every == 0) VERGE_RETURN_IF_ERROR(save());
  }
  VERGE_RETURN_IF_ERROR(save());
  return true;
}

}  // namespace verge::runtime
