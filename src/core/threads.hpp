#pragma once
// ThreadPool: a fixed set of threads that run one function together, as kernels do. The caller is
// worker 0. Waiting threads spin for a few microseconds and then sleep, so an idle pool costs
// nothing.
//
//   ThreadPool pool(2);
//   pool.run([&](Worker& worker) {
//     for (int64_t i = worker.claim(); i < chunks; i = worker.claim()) part_one(i);
//     worker.sync();                       // everybody has finished part one; claim() restarts at
//     0 const auto [first, last] = worker.split(rows); for (int64_t row = first; row < last; ++row)
//     part_two(row);
//   });
//
// run() does not allocate and must not be called from inside itself or from two threads at once.

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace verge {

class ThreadPool;

/// One thread's part in a ThreadPool::run. Valid only inside it.
class Worker {
 public:
  int index() const { return index_; }
  int count() const { return count_; }

  /// Waits until every worker has arrived; then claim() counts from 0 again.
  void sync();
  /// The next unclaimed number of this phase, 0, 1, 2, ...: for work whose parts differ in length,
  /// or whose threads differ in speed. Results must not depend on who claims what.
  int64_t claim();
  /// This worker's share [first, last) of `total`, in multiples of `grain`: the static split.
  std::pair<int64_t, int64_t> split(int64_t total, int64_t grain = 1) const;

 private:
  friend class ThreadPool;
  Worker(ThreadPool& pool, int index);

  ThreadPool& pool_;
  int index_;
  int count_;
  uint32_t phase_;
};

class ThreadPool {
 public:
  /// `threads` >= 1, the caller included.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return size_; }

  /// Calls body(worker) on every thread and returns when all are done. The body must not throw.
  template <typename Body>
  void run(Body&& body) {
    run_erased(
        [](void* context, Worker& worker) {
          (*static_cast<std::remove_reference_t<Body>*>(context))(worker);
        },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  friend class Worker;
  struct Shared;
  using Function = void (*)(void*, Worker&);

  void run_erased(Function function, void* context);
  void work(int index);

  int size_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace verge
