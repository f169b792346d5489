#pragma once
// Waits for what another thread does.

#include <chrono>
#include <functional>
#include <thread>

namespace verge::test {

/// Asks every millisecond; false when it is not so after `limit`.
inline bool eventually(const std::function<bool()>& is_so,
                       std::chrono::seconds limit = std::chrono::seconds(60)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace verge::test
