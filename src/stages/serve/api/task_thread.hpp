#pragma once
// TaskThread: a thread for requests that take long to read, so that no network thread does.
//
//   TaskThread thread({.all = 64 << 20, .of_tenant = 32 << 20});
//   if (!thread.post(tenant, body.size(), [=] { route(request); })) ...   // too much waits already

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include <verge/stages/serve/scheduler/fair_share.hpp>

namespace verge::serve::api {

/// post() may be called by any thread, stop() by one, and by no task. Tasks run one after the
/// other: next is the first of the tenant that has been read least, in bytes, as the scheduler has
/// it with tokens. What a task throws ends it alone.
class TaskThread {
 public:
  /// Of what waits, by the sizes that post() is told.
  struct Room {
    size_t all, of_tenant;
  };
  explicit TaskThread(Room room);
  ~TaskThread();
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  /// False, and the task is dropped, when there is no room for it or the thread has stopped. One
  /// that is larger than the room is taken when nothing else waits.
  bool post(const std::string& tenant, size_t bytes, std::function<void()> task);
  /// Drops what waits; returns when the task that runs is over.
  void stop();

 private:
  struct Waiting {
    size_t bytes;
    std::function<void()> task;
  };
  struct Queue {
    std::deque<Waiting> waiting;
    size_t bytes = 0;
  };
  bool has_room(const std::string& tenant, size_t bytes) const;
  Waiting take();
  void run();

  const Room room_;
  std::mutex mutex_;  // of what follows, but for the thread
  std::condition_variable changed_;
  std::map<std::string, Queue> queues_;  // by tenant; none is empty
  FairShare share_;
  size_t waiting_bytes_ = 0;
  bool has_stopped_ = false;
  std::thread thread_;
};

}  // namespace verge::serve::api
