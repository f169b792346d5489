#include <algorithm>
#include <utility>

#include <verge/stages/serve/api/task_thread.hpp>

namespace verge::serve::api {

TaskThread::TaskThread(Room room) : room_(room), thread_([this] { run(); }) {}

TaskThread::~TaskThread() {
  stop();
}

bool TaskThread::has_room(const std::string& tenant, size_t bytes) const {
  if (queues_.empty()) return true;
  const auto queue = queues_.find(tenant);
  const size_t of_tenant = queue == queues_.end() ? 0 : queue->second.bytes;
  return waiting_bytes_ + bytes <= room_.all && of_tenant + bytes <= room_.of_tenant;
}

bool TaskThread::post(const std::string& tenant, size_t bytes, std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (has_stopped_ || !has_room(tenant, bytes)) return false;
  Queue& queue = queues_[tenant];
  queue.waiting.push_back({bytes, std::move(task)});
  queue.bytes += bytes;
  waiting_bytes_ += bytes;
  share_.arrive(tenant);
  changed_.notify_one();
  return true;
}

TaskThread::Waiting TaskThread::take() {
  const auto least = std::ranges::min_element(
      queues_, {}, [this](const auto& queue) { return share_.served(queue.first); });
  auto& [tenant, queue] = *least;
  Waiting next = std::move(queue.waiting.front());
  queue.waiting.pop_front();
  queue.bytes -= next.bytes;
  waiting_bytes_ -= next.bytes;
  share_.charge(tenant, static_cast<double>(next.bytes));
  share_.leave(tenant);
  if (queue.waiting.empty()) queues_.erase(least);
  return next;
}

void TaskThread::stop() {
  std::map<std::string, Queue> dropped;  // destroyed without the lock: they answer
  {
    const std::lock_guard lock(mutex_);
    has_stopped_ = true;
    dropped.swap(queues_);
    waiting_bytes_ = 0;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void TaskThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return has_stopped_ || !queues_.empty(); });
    if (has_stopped_) return;
    Waiting next = take();
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
