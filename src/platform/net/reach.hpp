#pragma once
// Whether anything answers at an address at all, before any protocol, and which of a host's
// addresses does: all are tried, a little apart, and the first that takes a connection wins (RFC
// 8305, "Happy Eyeballs"), whatever becomes of the others.

#include <string>
#include <vector>

#include <verge/platform/net/address.hpp>

namespace verge::net {

/// Between two attempts, unless the one before has failed (RFC 8305, section 5).
inline constexpr double kAttemptDelayS = 0.25;

/// Opens a TCP connection and closes it; which numeric address of the host answered. Io naming what
/// happened to each and what that usually means: refused, no route, or silence for `timeout_s`.
Result<std::string> reach(const Address& address, double timeout_s);

/// The same of numeric addresses, tried in this order; `address` is what errors name.
Result<std::string> reach_any(const Address& address, const std::vector<std::string>& hosts,
                              double timeout_s);

}  // namespace verge::net
