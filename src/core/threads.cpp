#include <algorithm>
#include <thread>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/core/threads.hpp>

namespace verge {
namespace {

// Long enough to bridge the gaps between two kernels, short against a scheduler's time slice.
constexpr int kSpins = 4000;
// What is waited for may be ready to run on this very core, as a thread that was just made often
// is.
constexpr int kSpinsBetweenYields = 100;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until `word` differs from `old`: spins, then sleeps.
void wait_while(const std::atomic<uint32_t>& word, uint32_t old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (word.load(std::memory_order_acquire) != old) return;
    relax();
    if (spin % kSpinsBetweenYields == kSpinsBetweenYields - 1) std::this_thread::yield();
  }
  while (word.load(std::memory_order_acquire) == old) word.wait(old, std::memory_order_acquire);
}

// Ends the wait of all who wait for `word` to change. Sequentially consistent: notify_all() looks
// whether anybody sleeps, and a look that came before the new value is seen would miss one who is
// just falling asleep on the old one.
void advance(std::atomic<uint32_t>& word) {
  word.fetch_add(1, std::memory_order_seq_cst);
  word.notify_all();
}

}  // namespace

struct ThreadPool::Shared {
  alignas(64) std::atomic<uint32_t> arrived{0};
  alignas(64) std::atomic<uint32_t> phase{0};
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) std::atomic<uint32_t> generation{0};
  Function function = nullptr;
  void* context = nullptr;
  bool stopping = false;
  std::vector<std::thread> threads;
};

// The phase only grows, so a worker that is slow to leave one run cannot miss its release because
// the next run has begun; and it cannot grow between two runs before every worker has arrived.
Worker::Worker(ThreadPool& pool, int index)
    : pool_(pool),
      index_(index),
      count_(pool.size_),
      phase_(pool.shared_->phase.load(std::memory_order_acquire)) {}

void Worker::sync() {
  if (count_ == 1) {
    pool_.shared_->next.store(0, std::memory_order_relaxed);
    return;
  }
  ThreadPool::Shared& shared = *pool_.shared_;
  if (shared.arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<uint32_t>(count_)) {
    shared.arrived.store(0, std::memory_order_relaxed);
    shared.next.store(0, std::memory_order_relaxed);
    advance(shared.phase);
  } else {
    wait_while(shared.phase, phase_);
  }
  ++phase_;
}

int64_t Worker::claim() {
  return pool_.shared_->next.fetch_add(1, std::memory_order_relaxed);
}

std::pair<int64_t, int64_t> Worker::split(int64_t total, int64_t grain) const {
  const int64_t grains = (total + grain - 1) / grain;
  const int64_t first = grains * index_ / count_ * grain;
  const int64_t last = grains * (index_ + 1) / count_ * grain;
  return {std::min(first, total), std::min(last, total)};
}

ThreadPool::ThreadPool(int threads) : size_(threads), shared_(std::make_unique<Shared>()) {
  VERGE_CHECK(threads >= 1, threads);
  for (int index = 1; index < threads; ++index) {
    shared_->threads.emplace_back([this, index] { work(index); });
  }
}

ThreadPool::~ThreadPool() {
  shared_->stopping = true;
  advance(shared_->generation);
  for (std::thread& thread : shared_->threads) thread.join();
}

void ThreadPool::run_erased(Function function, void* context) {
  shared_->function = function;
  shared_->context = context;
  shared_->next.store(0, std::memory_order_relaxed);
  if (size_ > 1) advance(shared_->generation);
  Worker worker(*this, 0);
  function(context, worker);
  worker.sync();
}

void ThreadPool::work(int index) {
  uint32_t seen = 0;
  for (;;) {
    wait_while(shared_->generation, seen);
    ++seen;
    if (shared_->stopping) return;
    Worker worker(*this, index);
    shared_->function(shared_->context, worker);
    worker.sync();
  }
}

}  // namespace verge
