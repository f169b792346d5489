#pragma once
// Addresses of sockets, as people and limits see them.

#include <string>
#include <string_view>

#include <sys/socket.h>

namespace verge::http {

/// "203.0.113.5", "2001:db8::1" (IPv4 in IPv6 as IPv4), "unix".
std::string address_name(const sockaddr_storage& address);

/// What counts as one client: an IPv4 address, an IPv6 /64; empty for a local socket.
std::string address_group(const sockaddr_storage& address);

/// "[::1]:8080", "127.0.0.1:8080".
std::string host_and_port(std::string_view host, int port);

}  // namespace verge::http
