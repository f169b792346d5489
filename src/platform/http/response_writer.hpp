#pragma once
// ResponseWriter: the one answer to a request, given at once or later, from any thread, whole or in
// pieces. A small copyable handle; it may outlive the connection and the server, and is then deaf.
//
//   writer.respond(json_response(200, body));            // whole
//
//   writer.start({.content_type = "text/event-stream"}); // in pieces, later and elsewhere
//   writer.on_close([=](CloseReason) { cancel(id); });
//   writer.write("data: {\"text\":\"Hel\"}\n\n");
//   writer.end();
//
// No call blocks. What the client has not taken yet waits in a buffer of
// Limits::stream_buffer_bytes; a stream that would pass it, or that makes no progress for
// Limits::write_timeout_s, is cut. When the last handle goes without an answer the client gets 500,
// or its stream is cut.

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include <verge/platform/http/message.hpp>

namespace verge::http {

class Exchange;

/// Why an answer ended before end().
enum class CloseReason {
  ClientGone,  // closed, half-closed or reset its connection
  TooSlow,     // buffer full or write timeout
  Stopped,     // the server's deadline to drain has passed
};

std::string_view name(CloseReason reason);

class ResponseWriter {
 public:
  /// What the server makes for each request.
  explicit ResponseWriter(std::shared_ptr<Exchange> exchange);

  /// Answers. A second answer is ignored.
  void respond(Response response);

  /// Begins an answer in pieces: status, content type and headers of `head`, without its body.
  void start(Response head);
  /// Appends to a started answer. False once it is cut or ended; the piece is then dropped.
  bool write(std::string_view piece);
  /// Completes a started answer.
  void end();
  /// Breaks a started answer off, so that the client sees it is not whole.
  void abort();

  /// Called once, on a thread of the server, if the answer is cut before respond() or end(); at
  /// once and here if that was already so. Must not block. Replaces an earlier callback.
  void on_close(std::function<void(CloseReason)> callback);
  /// False once the answer is complete or cut.
  bool is_open() const;
  /// Bytes written and not yet taken by the client's socket.
  size_t buffered_bytes() const;

 private:
  struct Handle;
  std::shared_ptr<Handle> handle_;
};

}  // namespace verge::http
