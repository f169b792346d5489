#pragma once
// TaskThread: a thread for requests that take long to read, so that no network thread does.
//
//   TaskThread thread(64 << 20);
//   if (!thread.post(body.size(), [=] { route(request); })) ...   // too much waits already

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace verge::serve::api {

/// post() may be called by any thread, stop() by one, and by no task. Tasks run one after the
/// other, in order; what they throw ends them alone.
class TaskThread {
 public:
  /// `most_bytes`: of what waits, by the sizes that post() is told.
  explicit TaskThread(size_t most_bytes);
  ~TaskThread();
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  /// False, and the task is dropped, when there is no room for it or the thread has stopped. One
  /// that is larger than the room is taken when nothing else waits.
  bool post(size_t bytes, std::function<void()> task);
  /// Drops what waits; returns when the task that runs is over.
  void stop();

 private:
  struct Waiting {
    size_t bytes;
    std::function<void()> task;
  };
  void run();

  const size_t most_bytes_;
  std::mutex mutex_;  // of what follows, but for the thread
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  size_t waiting_bytes_ = 0;
  bool has_stopped_ = false;
  std::thread thread_;
};

}  // namespace verge::serve::api
