#pragma once
// Team: the workers of our pool as the threads of oneDNN. Its library is built on OpenMP, whose
// runtime would start threads of its own, that spin on the cores of the pool's. It calls that
// runtime by six functions, which team.cpp defines on top of a Worker; the executable exports them,
// and a library loaded later finds those first. Internal to this folder.
//
//   Team team;
//   pool.run([&](Worker& worker) { team.run(worker, [&] { execute primitives }); });
//
// The body runs on worker 0; what it hands out in parallel runs on all. Outside of a team
// everything runs on the calling thread.

#include <atomic>

#include <verge/core/threads.hpp>

namespace verge::backends::onednn {

/// What all workers share while one of them executes primitives. The pool's barrier stands before
/// and after each task.
class Team {
 public:
  using Task = void (*)(void*);

  /// Called by every worker; `body` runs once, and all return when it has. What it throws is worker
  /// 0's to catch.
  template <typename Body>
  void run(Worker& worker, Body&& body) {
    if (worker.index() > 0) return follow(worker);
    const Leading leading(*this, worker);
    body();
  }

  /// Of worker 0: runs a task on so many workers.
  void hand_out(Worker& worker, Task task, void* data, int threads);
  /// Waits until all threads of the task at hand have come here.
  void wait_for_all();

 private:
  /// Worker 0's while it lives; then the others are dismissed.
  class Leading {
   public:
    Leading(Team& team, Worker& worker);
    ~Leading();
    Leading(const Leading&) = delete;
    Leading& operator=(const Leading&) = delete;

   private:
    Team& team_;
    Worker& worker_;
  };

  void follow(Worker& worker);
  void run_part(const Worker& worker);

  Task task_ = nullptr;  // null: dismissed
  void* data_ = nullptr;
  int threads_ = 1;
  std::atomic<int> arrived_{0};
  std::atomic<int> meetings_{0};
};

/// Until it ends, primitives that this thread makes are made for so many threads.
class PlannedThreads {
 public:
  explicit PlannedThreads(int threads);
  ~PlannedThreads();
  PlannedThreads(const PlannedThreads&) = delete;
  PlannedThreads& operator=(const PlannedThreads&) = delete;

 private:
  int before_;
};

/// Makes the linker keep the six functions.
void use_teams();

}  // namespace verge::backends::onednn
