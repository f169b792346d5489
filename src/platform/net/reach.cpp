#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <verge/core/clock.hpp>
#include <verge/core/descriptor.hpp>
#include <verge/platform/net/reach.hpp>

namespace verge::net {
namespace {

struct Attempt {
  Descriptor socket;
  int failure = EINPROGRESS;  // until it is known
};

Attempt begin_connect(const std::string& numeric_host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* answer = nullptr;
  if (::getaddrinfo(numeric_host.c_str(), std::to_string(port).c_str(), &hints, &answer) != 0) {
    return {Descriptor(), EADDRNOTAVAIL};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> one(answer, ::freeaddrinfo);
  Attempt attempt{Descriptor(
      ::socket(one->ai_family, one->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, one->ai_protocol))};
  if (!attempt.socket.is_open()) {
    attempt.failure = errno;
  } else if (::connect(attempt.socket.number(), one->ai_addr, one->ai_addrlen) == 0) {
    attempt.failure = 0;
  } else {
    attempt.failure = errno;
  }
  return attempt;
}

std::string_view meaning(int failure) {
  switch (failure) {
    case ECONNREFUSED:
      return "nothing listens there: is `verge node start` running, on this port?";
    case ETIMEDOUT:
      return "no answer: a firewall drops the packets, or the machine is off";
    case ENETUNREACH:
      return "no route: check this machine's network and the address";
    case EHOSTUNREACH:
      return "nobody answers at that address: the machine is off, or it is another's";
    default:
      return "check the address";
  }
}

class Race {
 public:
  Race(const std::vector<std::string>& hosts, int port, double timeout_s)
      : hosts_(hosts), port_(port), end_s_(clock_.seconds() + timeout_s) {}

  Result<std::string> run(const Address& address) {
    double next_s = clock_.seconds();
    while (!winner() && clock_.seconds() < end_s_) {
      const bool is_idle = std::ranges::none_of(attempts_, is_under_way);
      const bool has_more = attempts_.size() < hosts_.size();
      if (has_more && (is_idle || clock_.seconds() >= next_s)) {
        attempts_.push_back(begin_connect(hosts_[attempts_.size()], port_));
        next_s = clock_.seconds() + kAttemptDelayS;
        continue;
      }
      if (is_idle) break;
      look(has_more ? std::min(next_s, end_s_) : end_s_);
    }
    const auto first = winner();
    if (first) return hosts_[*first];
    return failure(address);
  }

 private:
  static bool is_under_way(const Attempt& attempt) { return attempt.failure == EINPROGRESS; }
  std::optional<size_t> winner() const {
    const auto found = std::ranges::find(attempts_, 0, &Attempt::failure);
    if (found == attempts_.end()) return std::nullopt;
    return static_cast<size_t>(found - attempts_.begin());
  }

  void look(double until_s) {
    std::vector<pollfd> waiting;
    for (const Attempt& attempt : attempts_) {
      const bool waits = is_under_way(attempt);
      waiting.push_back(
          {.fd = waits ? attempt.socket.number() : -1, .events = POLLOUT, .revents = 0});
    }
    const double left_s = std::max(0.0, until_s - clock_.seconds());
    ::poll(waiting.data(), waiting.size(), static_cast<int>(left_s * 1e3) + 1);
    for (size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      socklen_t size = sizeof attempts_[i].failure;
      ::getsockopt(waiting[i].fd, SOL_SOCKET, SO_ERROR, &attempts_[i].failure, &size);
    }
  }

  Error failure(const Address& address) const {
    std::string tried;
    int failure = ETIMEDOUT;
    for (size_t i = 0; i < attempts_.size(); ++i) {
      failure = is_under_way(attempts_[i]) ? ETIMEDOUT : attempts_[i].failure;
      tried += fmt::format("{}{}: {}", i == 0 ? "" : ", ", hosts_[i], ::strerror(failure));
    }
    return make_error(Code::Io, "{} ({}); {}", address.text(), tried, meaning(failure));
  }

  const SystemClock clock_;
  const std::vector<std::string>& hosts_;
  const int port_;
  const double end_s_;
  std::vector<Attempt> attempts_;
};

}  // namespace

Result<std::string> reach(const Address& address, double timeout_s) {
  VERGE_TRY(const std::vector<std::string> hosts, resolve(address));
  return reach_any(address, hosts, timeout_s);
}

Result<std::string> reach_any(const Address& address, const std::vector<std::string>& hosts,
                              double timeout_s) {
  return Race(hosts, address.port, timeout_s).run(address);
}

}  // namespace verge::net
