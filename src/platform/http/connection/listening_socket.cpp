#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <verge/platform/http/connection/address.hpp>
#include <verge/platform/http/connection/listening_socket.hpp>

namespace verge::http {
namespace {

constexpr int kBacklog = 4096;
constexpr int kSocketKind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<Addresses> addresses_of(const std::string& host) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failed != 0 || found == nullptr) {
    return make_error(Code::NotFound,
                      "{}: {}; give a name or address of this machine, 127.0.0.1 for this machine "
                      "alone or :: for every address it has",
                      host, ::gai_strerror(failed));
  }
  return Addresses(found, ::freeaddrinfo);
}

void set_port(sockaddr_storage& address, uint16_t port) {
  if (address.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(address).sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6&>(address).sin6_port = htons(port);
  }
}

uint16_t bound_port(int descriptor) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  // Both kinds of address have their port in the same place.
  return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
}

Result<ListeningSocket> open_inet(const addrinfo& info, uint16_t port) {
  sockaddr_storage address = {};
  std::memcpy(&address, info.ai_addr, info.ai_addrlen);
  set_port(address, port);
  const std::string place = host_and_port(address_name(address), port);
  ListeningSocket socket;
  socket.family = info.ai_family;
  socket.descriptor = Descriptor(::socket(info.ai_family, kSocketKind, 0));
  const int number = socket.descriptor.number();
  if (number < 0) return listen_error(place, port, errno);
  const int on = 1, off = 0;
  ::setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (info.ai_family == AF_INET6) {
    ::setsockopt(number, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (::bind(number, reinterpret_cast<const sockaddr*>(&address), info.ai_addrlen) != 0 ||
      ::listen(number, kBacklog) != 0) {
    return listen_error(place, port, errno);
  }
  socket.port = bound_port(number);
  return socket;
}

// A socket file that nobody listens at is what a killed process left.
void remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat facts = {};
  if (::lstat(path.c_str(), &facts) != 0 || !S_ISSOCK(facts.st_mode)) return;
  const Descriptor probe(::socket(AF_UNIX, kSocketKind, 0));
  const int failed =
      ::connect(probe.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (failed != 0 && errno == ECONNREFUSED) ::unlink(path.c_str());
}

Result<ListeningSocket> open_unix(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return make_error(Code::InvalidArgument,
                      "{}: a socket's path has at most {} bytes; give a shorter one", path,
                      sizeof(address.sun_path) - 1);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  remove_stale(path, address);
  ListeningSocket socket;
  socket.family = AF_UNIX;
  socket.descriptor = Descriptor(::socket(AF_UNIX, kSocketKind, 0));
  const int number = socket.descriptor.number();
  if (number < 0) return listen_error(path, 0, errno);
  if (::bind(number, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(number, kBacklog) != 0) {
    return listen_error(path, 0, errno);
  }
  socket.unix_path = path;
  return socket;
}

bool is_kind_missing(int family, const Error& error) {
  return family == AF_INET6 && error.code == Code::Unsupported;
}

}  // namespace

Error listen_error(const std::string& place, int port, int number) {
  switch (number) {
    case EADDRINUSE:
      return make_error(Code::Conflict,
                        "{}: the address is in use by another process; stop that one or choose "
                        "another, port 0 takes any that is free",
                        place);
    case EACCES:
    case EPERM:
      if (port > 0) {
        return make_error(Code::Denied,
                          "{}: this user may not listen at ports below 1024; choose a higher port, "
                          "or grant CAP_NET_BIND_SERVICE",
                          place);
      }
      return make_error(Code::Denied,
                        "{}: permission denied to make a socket; check the folder's rights", place);
    case EADDRNOTAVAIL:
      return make_error(Code::NotFound,
                        "{}: this machine has no such address; 127.0.0.1 is this machine alone, "
                        ":: every address it has",
                        place);
    case EAFNOSUPPORT:
      return make_error(Code::Unsupported, "{}: this machine has no addresses of this kind", place);
    case ENOENT:
      return make_error(Code::NotFound, "{}: no such folder; create it first", place);
    default:
      return make_error(Code::Io, "{}: cannot listen: {}", place, std::strerror(number));
  }
}

Result<std::vector<ListeningSocket>> open_listening(const Listen& listen) {
  std::vector<ListeningSocket> sockets;
  if (!listen.unix_path.empty()) {
    VERGE_TRY(ListeningSocket socket, open_unix(listen.unix_path));
    sockets.push_back(std::move(socket));
    return sockets;
  }
  VERGE_TRY(const Addresses addresses, addresses_of(listen.host));
  uint16_t port = listen.port;
  for (const addrinfo* info = addresses.get(); info != nullptr; info = info->ai_next) {
    if (info->ai_family != AF_INET && info->ai_family != AF_INET6) continue;
    Result<ListeningSocket> socket = open_inet(*info, port);
    // "localhost" names ::1 also where there is no IPv6.
    const bool has_more = info->ai_next != nullptr || !sockets.empty();
    if (!socket && has_more &&
        (is_kind_missing(info->ai_family, socket.error()) ||
         socket.error().code == Code::NotFound)) {
      continue;
    }
    if (!socket) return socket.error();
    port = socket->port;
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

}  // namespace verge::http
