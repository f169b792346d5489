#include <cerrno>
#include <cmath>
#include <ctime>

#include <verge/cli/signals.hpp>

namespace verge::cli {

Signals::Signals() {
  ::sigemptyset(&wanted_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&wanted_, signal);
  ::pthread_sigmask(SIG_BLOCK, &wanted_, &former_);
}

Signals::~Signals() {
  ::pthread_sigmask(SIG_SETMASK, &former_, nullptr);
}

std::optional<int> Signals::wait(double seconds) const {
  timespec limit{};
  limit.tv_sec = static_cast<time_t>(seconds);
  limit.tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9);
  int signal = 0;
  do {
    signal = ::sigtimedwait(&wanted_, nullptr, &limit);
  } while (signal < 0 && errno == EINTR);
  if (signal < 0) return std::nullopt;
  return signal;
}

}  // namespace verge::cli
