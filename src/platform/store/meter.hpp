#pragma once
// Meter: counts the bytes of a long copy or check, tells how far it is, and hears that it should
// stop.

#include <atomic>
#include <cstdint>
#include <functional>

#include <verge/core/result.hpp>

namespace verge::store {

/// Who watches a long operation; both may be empty.
struct Watch {
  std::function<void(int64_t done_bytes, int64_t all_bytes)> progress;
  const std::atomic<bool>* cancel = nullptr;
};

class Meter {
 public:
  Meter(const Watch& watch, int64_t all_bytes) : watch_(watch), all_(all_bytes) {}

  /// Cancelled when the watcher wants no more.
  Status advance(int64_t bytes) {
    done_ += bytes;
    if (watch_.progress) watch_.progress(done_, all_);
    if (watch_.cancel == nullptr || !*watch_.cancel) return {};
    return make_error(Code::Cancelled, "stopped; nothing was changed");
  }

 private:
  const Watch& watch_;
  int64_t all_;
  int64_t done_ = 0;
};

}  // namespace verge::store
