#pragma once
// Cancellations: what clients have given up, from any thread to the engine's; and whether the run
// of the model at hand may stop, which it may when nobody waits for any part of it.

#include <atomic>
#include <mutex>
#include <set>
#include <span>
#include <vector>

#include <verge/stages/serve/scheduler/request.hpp>

namespace verge::serve {

class Cancellations {
 public:
  /// Any thread.
  void request(RequestId id);

  /// The rest: the engine's thread. Those asked for since the last call.
  std::vector<RequestId> take();
  /// A run over these begins; flag() is true once all of them are given up, also before it began.
  void begin(std::span<const RequestId> running);
  void end() { begin({}); }
  const std::atomic<bool>* flag() const { return &flag_; }

 private:
  void update();

  std::mutex mutex_;
  std::set<RequestId> requested_;
  std::set<RequestId> running_;  // of the run at hand and not given up
  bool runs_ = false;
  std::atomic<bool> flag_ = false;
};

/// A run over these, which ends with the scope.
class CancellableRun {
 public:
  CancellableRun(Cancellations& cancellations, std::span<const RequestId> running)
      : cancellations_(cancellations) {
    cancellations_.begin(running);
  }
  ~CancellableRun() { cancellations_.end(); }
  CancellableRun(const CancellableRun&) = delete;
  CancellableRun& operator=(const CancellableRun&) = delete;

 private:
  Cancellations& cancellations_;
};

}  // namespace verge::serve
