#pragma once
// Server: HTTP/1.1 over TCP, TLS and local sockets. Knows bytes, limits and routes; what is said
// over them is the handlers' matter.
//
//   SystemClock clock;
//   Router router;
//   router.add("GET", "/health", [](Request, ResponseWriter writer) {
//     writer.respond(text_response(200, "ok\n"));
//   });
//   Server server(std::move(router), {.threads = 2}, clock);
//   VERGE_TRY(Endpoint endpoint, server.listen({.host = "127.0.0.1", .port = 8080}));
//   server.run();                 // until another thread calls server.stop(30)
//
// listen() comes before run(); stop() and the rest may be called by any thread. Connections are
// spread over the threads and stay where they are; handlers of one connection never run at once.

#include <cstdint>
#include <memory>
#include <string>

#include <verge/core/clock.hpp>
#include <verge/core/result.hpp>
#include <verge/platform/http/options.hpp>
#include <verge/platform/http/router.hpp>

namespace verge::http {

/// Where a server listens, for people: "http://127.0.0.1:8080".
struct Endpoint {
  std::string url;
  uint16_t port = 0;  // 0 for a local socket
};

class Server {
 public:
  /// `clock` outlives the server; timeouts are measured by it.
  Server(Router router, ServerOptions options, const Clock& clock);
  /// Cuts what is still open.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and listens, so that clients can connect from here on. Conflict when the address is in
  /// use, Denied for a privileged port, NotFound for an unknown host or missing file, Malformed for
  /// a certificate or key that is none or do not belong together; each names address or file and
  /// remedy.
  Result<Endpoint> listen(const Listen& listen);

  /// Serves on ServerOptions::threads threads, this one included; returns when stop() is done.
  Status run();

  /// Closes idle connections and lets running answers finish for `deadline_s` seconds (their
  /// connections then close), cuts the rest. While they run, new connections have one answer each:
  /// what that is, ServerOptions::admit decides. Then the listening sockets close. Returns at once;
  /// a second call can only hasten it.
  void stop(double deadline_s);

  int connections() const;
  /// Limits::max_connections, or what the process's limit of open files leaves.
  int max_connections() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace verge::http
