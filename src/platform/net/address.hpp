#pragma once
// Address: where a node listens, as people write it.

#include <string>
#include <string_view>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::net {

/// "host:7443", "[::1]:7443".
struct Address {
  std::string host;
  int port = 0;

  /// InvalidArgument for what is none.
  static Result<Address> parse(std::string_view text);
  std::string text() const;
};

/// The numeric addresses of the host, those of IPv4 before those of IPv6, by the machine's own
/// look-up. Io for a name without an address, with the resolver's reason.
Result<std::vector<std::string>> resolve(const Address& address);

}  // namespace verge::net
