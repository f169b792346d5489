#pragma once
// What a server allows, to whom, and what it tells about it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/platform/http/message.hpp>

namespace verge::telemetry {
class MetricsRegistry;
}

namespace verge::http {

/// Each is answered as named, then the connection closes. Timeouts hold within a tenth of a second.
struct Limits {
  size_t header_bytes = 16 << 10;        // 431
  size_t header_fields = 100;            // 431
  size_t body_bytes = 32 << 20;          // 413, before it is read if Content-Length says so
  size_t body_memory_bytes = 256 << 20;  // bodies being read, of all connections together: 503
  double header_timeout_s = 10;          // from the first byte (TLS: from accept) to the last: 408
  double body_timeout_s = 60;            // the whole body: 408
  double idle_timeout_s = 75;            // between two requests: closed
  double write_timeout_s = 30;           // 64 KiB of an answer not taken in this time: cut
  size_t stream_buffer_bytes = 1 << 20;  // of an answer in pieces, see ResponseWriter
  double farewell_s = 2;                 // after a drain, for last answers to be read: cut
  /// More are answered 503 with Retry-After, unless a connection that is between requests can be
  /// closed instead. Lowered to what the process may open.
  int max_connections = 8192;
  /// More are answered 429; an IPv6 /64 counts as one address. 0: no limit, for behind a proxy all
  /// clients have one address.
  int max_connections_per_address = 0;
};

/// Cross-origin requests of browsers; without origins, none are allowed.
struct Cors {
  std::vector<std::string> origins = {};  // "https://app.example"; "*" is any
  std::string headers = "Authorization, Content-Type, X-Request-Id";
  int max_age_s = 600;
};

/// An answer of the server's own: a limit, a missing route, a malformed request, a handler's fault.
struct Refusal {
  int status = 500;
  std::string message;               // one sentence with the remedy
  const Request* request = nullptr;  // null when the header never was complete
};

/// One line of an access log.
struct AccessRecord {
  std::string_view id, peer, method, target;
  int status = 0;
  bool tls = false;
  size_t request_bytes = 0;  // of the body
  size_t answer_bytes = 0;   // of head and body, as sent
  double seconds = 0;        // from the first byte of the request to the last of the answer
  std::string_view cut;      // why the answer is not whole; empty when it is
};

struct ServerOptions {
  Limits limits = {};
  Cors cors = {};
  int threads = 1;
  std::string server_name = "verge";  // the Server header; none when empty
  /// Refuses by headers alone, before the body is read: no answer lets the request pass.
  std::function<std::optional<Response>(const Request&)> admit = {};
  /// The shape of refusals; by default text/plain.
  std::function<Response(const Refusal&)> render_refusal = {};
  /// Called on the server's threads when an answer is sent or cut. Must not block.
  std::function<void(const AccessRecord&)> on_access = {};
  telemetry::MetricsRegistry* metrics = nullptr;  // outlives the server
};

struct TlsFiles {
  std::string certificate;  // PEM, leaf first, then intermediates
  std::string key;          // PEM, not encrypted
};

struct Listen {
  std::string host = "127.0.0.1";  // a name or address; "::" is every IPv4 and IPv6 address
  uint16_t port = 0;               // 0: any free one
  std::string unix_path = {};      // a local socket instead of host and port
  std::optional<TlsFiles> tls = {};
};

}  // namespace verge::http
