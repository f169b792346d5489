#pragma once
// RequestReader: bytes in, requests out, whatever pieces the bytes come in. No sockets, no time.
//
//   RequestReader reader({.header_bytes = 16384, .header_fields = 100});
//   size_t used = 0;
//   switch (reader.advance(input, used)) {        // drop `used` bytes of input, whatever it says
//     case Progress::More: ...                    // call again with what is left and more behind
//     it case Progress::Header: reader.limit_body(n) // once a request: method, path, query,
//     headers case Progress::Complete: take(reader.request()); reader.reset(); case
//     Progress::Refused: answer(reader.fault()); close;
//   }
//
// Strict where leniency lets two readers of one stream disagree (RFC 9112, 11.2): line ends are CR
// LF, lengths agree, no transfer coding but chunked, one Host.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <verge/platform/http/message.hpp>

namespace verge::http {

enum class Progress { More, Header, Complete, Refused };

struct ReaderLimits {
  size_t header_bytes = 16 << 10;
  size_t header_fields = 100;
};

/// Why a request is refused: a status and a sentence. The connection cannot go on after it.
struct Fault {
  int status = 400;
  std::string message;
};

class RequestReader {
 public:
  explicit RequestReader(ReaderLimits limits);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Reads on. `used` is how much of the front of `input` is done with.
  Progress advance(std::string_view input, size_t& used);

  /// After Header: Refused (413) if the body is known to be longer, and once it is.
  Progress limit_body(size_t bytes);

  /// Filled up to what advance() said; `peer`, `tls`, `params` and `id` are the caller's.
  Request& request();
  /// The path as sent, without the query; valid from Header to reset().
  std::string_view encoded_path() const;
  const Fault& fault() const;

  /// From Header on.
  bool keep_alive() const;
  bool expects_continue() const;
  bool has_body() const;
  /// Content-Length; nothing for a chunked body.
  std::optional<uint64_t> content_length() const;
  /// Whether any byte of the next request was seen.
  bool has_started() const;

  /// Ready for the next request.
  void reset();

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  ReaderLimits limits_;
};

}  // namespace verge::http
