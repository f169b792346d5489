#include <algorithm>

#include <verge/engine/backends/onednn/team.hpp>

namespace verge::backends::onednn {
namespace {

// What OpenMP's questions are answered from, on this thread.
struct ThreadState {
  Team* team = nullptr;  // of the thread that hands out
  Worker* worker = nullptr;
  Team* task_team = nullptr;  // of the task at hand
  int index = 0;
  int count = 1;
  int planned = 1;
};

ThreadState& state() {
  thread_local ThreadState own;
  return own;
}

// Calls it at the end of its scope, however that comes.
template <typename Function>
class AtEnd {
 public:
  explicit AtEnd(Function function) : function_(std::move(function)) {}
  ~AtEnd() { function_(); }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;

 private:
  Function function_;
};

}  // namespace

Team::Leading::Leading(Team& team, Worker& worker) : team_(team), worker_(worker) {
  state().team = &team;
  state().worker = &worker;
}

Team::Leading::~Leading() {
  state().team = nullptr;
  state().worker = nullptr;
  team_.task_ = nullptr;
  worker_.sync();
}

void Team::follow(Worker& worker) {
  for (;;) {
    worker.sync();
    if (task_ == nullptr) return;
    run_part(worker);
    worker.sync();
  }
}

void Team::hand_out(Worker& worker, Task task, void* data, int threads) {
  task_ = task;
  data_ = data;
  threads_ = threads;
  worker.sync();
  const AtEnd meet([&] { worker.sync(); });
  run_part(worker);
}

void Team::run_part(const Worker& worker) {
  if (worker.index() >= threads_) return;
  ThreadState& own = state();
  const AtEnd leave([&] {
    own.task_team = nullptr;
    own.index = 0;
    own.count = 1;
  });
  own.task_team = this;
  own.index = worker.index();
  own.count = threads_;
  task_(data_);
}

void Team::wait_for_all() {
  const int meeting = meetings_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    meetings_.fetch_add(1, std::memory_order_seq_cst);
    meetings_.notify_all();
  } else {
    meetings_.wait(meeting, std::memory_order_acquire);
  }
}

PlannedThreads::PlannedThreads(int threads) : before_(state().planned) {
  state().planned = threads;
}

PlannedThreads::~PlannedThreads() {
  state().planned = before_;
}

void use_teams() {}

}  // namespace verge::backends::onednn

// The part of OpenMP's runtime that oneDNN calls, under the names of GCC's (libgomp).
extern "C" {

void GOMP_parallel(void (*task)(void*), void* data, unsigned threads, unsigned) {
  using namespace verge::backends::onednn;
  ThreadState& own = state();
  if (own.team == nullptr || own.count > 1 || own.worker->count() == 1 || threads == 1) {
    const ThreadState before = own;
    own.task_team = nullptr;
    own.index = 0;
    own.count = 1;
    task(data);
    own = before;
    return;
  }
  const int all = own.worker->count();
  own.team->hand_out(*own.worker, task, data,
                     threads == 0 ? all : std::min(all, static_cast<int>(threads)));
}

void GOMP_barrier() {
  const auto& own = verge::backends::onednn::state();
  if (own.task_team != nullptr) own.task_team->wait_for_all();
}

int omp_get_max_threads() {
  const auto& own = verge::backends::onednn::state();
  return own.team != nullptr ? own.worker->count() : own.planned;
}

int omp_get_num_threads() {
  return verge::backends::onednn::state().count;
}

int omp_get_thread_num() {
  return verge::backends::onednn::state().index;
}

int omp_in_parallel() {
  return verge::backends::onednn::state().count > 1 ? 1 : 0;
}
}
