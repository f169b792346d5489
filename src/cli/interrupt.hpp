#pragma once
// Ctrl-C and SIGTERM as a flag: work that watches it stops at the next chance and keeps what it
// has.

#include <atomic>
#include <csignal>

namespace verge::cli {

/// Catches SIGINT and SIGTERM from now on; a second one ends the process at once. Always the same
/// flag.
std::atomic<bool>& catch_interrupts();

/// Restores at its end what SIGINT and SIGTERM did at its beginning: for a part of a command behind
/// which nothing watches the flag.
class FormerSignalHandlers {
 public:
  FormerSignalHandlers();
  ~FormerSignalHandlers();
  FormerSignalHandlers(const FormerSignalHandlers&) = delete;
  FormerSignalHandlers& operator=(const FormerSignalHandlers&) = delete;

 private:
  struct sigaction interrupt_ = {}, terminate_ = {};
};

}  // namespace verge::cli
