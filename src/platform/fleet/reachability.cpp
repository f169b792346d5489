#include <cerrno>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <verge/core/descriptor.hpp>
#include <verge/platform/fleet/reachability.hpp>

namespace verge::fleet {
namespace {

// 0 or what went wrong.
int finish_connect(const Descriptor& socket, double timeout_s) {
  pollfd ready{.fd = socket.number(), .events = POLLOUT, .revents = 0};
  if (poll(&ready, 1, static_cast<int>(timeout_s * 1e3)) == 0) return ETIMEDOUT;
  int failure = 0;
  socklen_t size = sizeof failure;
  getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &failure, &size);
  return failure;
}

int try_connect(const std::string& numeric_host, int port, double timeout_s) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* answer = nullptr;
  if (getaddrinfo(numeric_host.c_str(), std::to_string(port).c_str(), &hints, &answer) != 0) {
    return EADDRNOTAVAIL;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> one(answer, ::freeaddrinfo);
  const Descriptor socket(
      ::socket(one->ai_family, one->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, one->ai_protocol));
  if (!socket.is_open()) return errno;
  if (connect(socket.number(), one->ai_addr, one->ai_addrlen) == 0) return 0;
  return errno == EINPROGRESS ? finish_connect(socket, timeout_s) : errno;
}

std::string_view meaning(int failure) {
  switch (failure) {
    case ECONNREFUSED:
      return "nothing listens there: is `verge node start` running, on this port?";
    case ETIMEDOUT:
      return "no answer: a firewall drops the packets, or the machine is off";
    case ENETUNREACH:
    case EHOSTUNREACH:
      return "no route: check this machine's network and the address";
    default:
      return "check the address";
  }
}

}  // namespace

Result<std::string> reach(const net::Address& address, double timeout_s) {
  VERGE_TRY(const std::vector<std::string> hosts, net::resolve(address));
  std::string tried;
  int failure = 0;
  for (const std::string& host : hosts) {
    failure = try_connect(host, address.port, timeout_s);
    if (failure == 0) return host;
    tried += fmt::format("{}{}: {}", tried.empty() ? "" : ", ", host, strerror(failure));
  }
  return make_error(Code::Io, "{} ({}); {}", address.text(), tried, meaning(failure));
}

}  // namespace verge::fleet
