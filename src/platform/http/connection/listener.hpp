#pragma once
// Listener: accepts at one socket and hands each connection to a loop in turn.

#include <memory>
#include <optional>
#include <vector>

#include <verge/platform/http/connection/listening_socket.hpp>
#include <verge/platform/http/connection/loop.hpp>
#include <verge/platform/http/connection/tls_context.hpp>

namespace verge::http {

class Listener {
 public:
  /// Accepts on the thread of the first of `loops`, which outlive it.
  Listener(std::vector<Loop*> loops, ListeningSocket socket, std::optional<TlsContext> tls);
  ~Listener();

  /// On the first loop's thread, or before it runs.
  void start();
  void stop();

 private:
  struct Acceptor;
  std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace verge::http
