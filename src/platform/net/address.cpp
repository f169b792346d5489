#include <charconv>
#include <memory>

#include <netdb.h>
#include <sys/socket.h>

#include <verge/platform/net/address.hpp>

namespace verge::net {

Result<Address> Address::parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, std::min(colon, text.size()));
  const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  Address address{std::string(host), 0};
  const std::string_view port = colon == text.npos ? "" : text.substr(colon + 1);
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  const bool is_host = !host.empty() && (is_bracketed || host.find(':') == host.npos);
  if (is_host && failed == std::errc() && end == port.data() + port.size() && address.port > 0 &&
      address.port < 65536) {
    return address;
  }
  return make_error(Code::InvalidArgument,
                    "\"{}\" is no address of a node; write HOST:PORT, as edge-1.example:7443 or "
                    "[::1]:7443",
                    text);
}

std::string Address::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

Result<std::vector<std::string>> resolve(const Address& address) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* answer = nullptr;
  const int failed = ::getaddrinfo(address.host.c_str(), nullptr, &wanted, &answer);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(answer, ::freeaddrinfo);
  std::vector<std::string> v4, v6;
  for (const addrinfo* one = failed == 0 ? answer : nullptr; one != nullptr; one = one->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof(text), nullptr, 0,
                      NI_NUMERICHOST) == 0) {
      (one->ai_family == AF_INET ? v4 : v6).emplace_back(text);
    }
  }
  v4.insert(v4.end(), v6.begin(), v6.end());
  if (!v4.empty()) return v4;
  return make_error(Code::Io,
                    "{}: the name of the host has no address ({}); check its spelling and the "
                    "network",
                    address.text(), failed == 0 ? "none was found" : ::gai_strerror(failed));
}

}  // namespace verge::net
