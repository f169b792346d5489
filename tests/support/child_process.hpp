#pragma once
// Runs a function in a forked child, for what ends a process.

#include <cerrno>
#include <functional>

#include <sys/wait.h>
#include <unistd.h>

namespace verge::test {

/// Forks; the child ends with what `run` returns. Threads do not survive a fork: call it before
/// any.
inline pid_t start_child(const std::function<int()>& run) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run());
  return child;
}

/// The exit status, or 128 + the signal that ended it.
inline int wait_child(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

inline int in_child(const std::function<int()>& run) {
  return wait_child(start_child(run));
}

}  // namespace verge::test
