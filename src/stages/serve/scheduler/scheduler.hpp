#pragma once
// Scheduler: many requests, few models, one engine. Continuous batching (Yu et al. 2022, Orca) with
// chunked prefill (Agrawal et al. 2024, Sarathi-Serve), paged KV with shared prefixes (Kwon et al.
// 2023), fair share by tenant (Sheng et al. 2024).
//
//   Scheduler scheduler(models, clock, {});
//   std::jthread engine([&](std::stop_token stop) { scheduler.run(stop); });
//   VERGE_TRY(RequestId id, scheduler.submit(std::move(request), sink));   // any thread
//   scheduler.cancel(id);                                                  // any thread
//
// An answer is bit for bit that of generate() alone on a fresh session, whatever else is served,
// shared, put aside or cancelled meanwhile.

#include <memory>
#include <stop_token>

#include <verge/core/clock.hpp>
#include <verge/stages/serve/scheduler/model_pool.hpp>
#include <verge/stages/serve/scheduler/request.hpp>
#include <verge/stages/serve/scheduler/snapshot.hpp>

namespace verge::serve {

struct SchedulerOptions {
  int64_t step_tokens = 512;           // token budget of a step: decode first, then prefill
  int64_t max_waiting = 1024;          // requests in the queue
  int64_t max_waiting_per_tenant = 0;  // 0: max_waiting
  double ageing_s = 5;                 // a priority is worth so many seconds of waiting
  int64_t reserve_pages = 2;           // kept free for each running sequence when one is admitted
  double model_turn_s = 10;  // a model that waits for room so long has others finish and leave
  bool share_prefixes = true;
  int64_t spill_memory_bytes = int64_t{256} << 20;  // of sequences put aside
  std::string spill_folder = {};                    // and beyond that, here; "": nowhere
  std::string prompt_cache_folder = {};  // prefixes are saved here when a model goes; "": nowhere
  int64_t prompt_cache_bytes = int64_t{1} << 30;  // of each model
  /// Told of what went wrong without harm, on the engine's thread: a prompt cache that is damaged,
  /// of another model, or cannot be written.
  std::function<void(const Error&)> warn = {};
  bool always_draft = false;  // where models have drafts, in every step: for tests
  bool verify = false;        // check the page counts after each step: for tests
};

class Scheduler {
 public:
  /// All must outlive it.
  Scheduler(ModelPool& models, const Clock& clock, SchedulerOptions options,
            EndObserver observer = {});
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Any thread. Fails with Busy when the queue or the tenant's part of it is full (then
  /// retry_after_s says when to try again), NotFound for a model nobody serves, InvalidArgument for
  /// options out of range and for a request that can never fit, with the largest that can.
  Result<RequestId> submit(Request request, std::shared_ptr<AnswerSink> sink);
  /// Any thread; takes effect within one step. The sink hears of it by on_end. An id that has ended
  /// is ignored.
  void cancel(RequestId id);
  /// Any thread. Puts a model out of memory; `then` runs on the engine's thread, with NotFound for
  /// one that is not served, Conflict while it has requests or is being loaded.
  void unload(const std::string& model, std::function<void(const Status&)> then);
  /// Any thread; see ModelPool::keep_for. The model is one of the pool's.
  void keep_for(const std::string& model, double seconds);
  /// Seconds after which a refused request is likely to find room; at least 1. Any thread.
  double retry_after_s() const;
  Snapshot snapshot() const;

  /// The engine's thread: steps while there is work, sleeps while there is none. Ends all requests
  /// as cancelled when stopped.
  void run(std::stop_token stop);
  /// One step of one model; false when there was nothing to do. For the engine's thread and tests.
  bool step();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace verge::serve
