#pragma once
// Signals: SIGINT, SIGTERM and SIGHUP as something to wait for, for commands that run until told
// otherwise.

#include <csignal>
#include <optional>

namespace verge::cli {

/// Holds the signals back from this thread and those it starts; make it before any thread. The
/// former state returns with its end.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// The next signal, or nothing after so many seconds.
  std::optional<int> wait(double seconds) const;

 private:
  sigset_t wanted_;
  sigset_t former_;
};

}  // namespace verge::cli
