#include <utility>

#include <verge/stages/serve/api/task_thread.hpp>

namespace verge::serve::api {

TaskThread::TaskThread(size_t most_bytes) : most_bytes_(most_bytes), thread_([this] { run(); }) {}

TaskThread::~TaskThread() {
  stop();
}

bool TaskThread::post(size_t bytes, std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  const bool has_room = waiting_.empty() || waiting_bytes_ + bytes <= most_bytes_;
  if (has_stopped_ || !has_room) return false;
  waiting_.push_back({bytes, std::move(task)});
  waiting_bytes_ += bytes;
  changed_.notify_one();
  return true;
}

void TaskThread::stop() {
  std::deque<Waiting> dropped;  // destroyed without the lock: they answer
  {
    const std::lock_guard lock(mutex_);
    has_stopped_ = true;
    dropped.swap(waiting_);
    waiting_bytes_ = 0;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void TaskThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return has_stopped_ || !waiting_.empty(); });
    if (has_stopped_) return;
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= next.bytes;
    lock.unlock();
    try {
      next.task();
    } catch (...) {
      // The request that it held is answered as failed when it is destroyed.
    }
    next.task = nullptr;
    lock.lock();
  }
}

}  // namespace verge::serve::api
