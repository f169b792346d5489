#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <verge/platform/http/connection/address.hpp>

namespace verge::http {
namespace {

std::string text_of(int family, const void* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  return ::inet_ntop(family, bytes, text.data(), text.size()) == nullptr ? "" : text.data();
}

sockaddr_in6 as_ipv6(const sockaddr_storage& address) {
  sockaddr_in6 result;
  std::memcpy(&result, &address, sizeof(result));
  return result;
}

}  // namespace

std::string address_name(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &address, sizeof(ipv4));
    return text_of(AF_INET, &ipv4.sin_addr);
  }
  if (address.ss_family != AF_INET6) return "unix";
  const sockaddr_in6 ipv6 = as_ipv6(address);
  if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) return text_of(AF_INET, &ipv6.sin6_addr.s6_addr[12]);
  return text_of(AF_INET6, &ipv6.sin6_addr);
}

std::string address_group(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return address_name(address);
  if (address.ss_family != AF_INET6) return {};
  sockaddr_in6 ipv6 = as_ipv6(address);
  if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) return address_name(address);
  std::memset(&ipv6.sin6_addr.s6_addr[8], 0, 8);
  return text_of(AF_INET6, &ipv6.sin6_addr) + "/64";
}

std::string host_and_port(std::string_view host, int port) {
  const bool is_ipv6 = host.find(':') != std::string_view::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace verge::http
