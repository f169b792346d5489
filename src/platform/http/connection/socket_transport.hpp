#pragma once
// Transports over an accepted socket.

#include <memory>

#include <verge/core/descriptor.hpp>
#include <verge/platform/http/connection/loop.hpp>
#include <verge/platform/http/connection/tls_context.hpp>
#include <verge/platform/http/connection/transport.hpp>

namespace verge::http {

/// On the loop's thread. `family`: AF_INET, AF_INET6 or AF_UNIX. Null when the socket is unusable.
std::unique_ptr<Transport> plain_transport(Loop& loop, Descriptor socket, int family);
std::unique_ptr<Transport> tls_transport(Loop& loop, Descriptor socket, int family,
                                         const TlsContext& tls);

}  // namespace verge::http
