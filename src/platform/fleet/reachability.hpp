#pragma once
// Whether anything answers at an address at all, before any protocol: the lower half of what
// `verge node doctor` looks at.

#include <verge/platform/net/address.hpp>

namespace verge::fleet {

/// Opens a TCP connection and closes it; which numeric address answered. Io naming what happened to
/// each and what that usually means: refused, no route, or silence for `timeout_s`.
Result<std::string> reach(const net::Address& address, double timeout_s);

}  // namespace verge::fleet
