#pragma once
// Listening sockets: bound, ready to accept, with errors that say what to do.

#include <string>
#include <vector>

#include <verge/core/descriptor.hpp>
#include <verge/core/result.hpp>
#include <verge/platform/http/options.hpp>

namespace verge::http {

struct ListeningSocket {
  Descriptor descriptor;
  int family = 0;
  uint16_t port = 0;      // 0 for a local socket
  std::string unix_path;  // removed by whoever closes it
};

/// One for each address that Listen::host names, all on one port. Conflict when the address is in
/// use, Denied for a port or path that may not be bound, NotFound for an unknown host.
Result<std::vector<ListeningSocket>> open_listening(const Listen& listen);

/// What the errno of bind() or listen() means at `place`.
Error listen_error(const std::string& place, int port, int number);

}  // namespace verge::http
