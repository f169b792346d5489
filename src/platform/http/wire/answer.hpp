#pragma once
// The bytes of an answer (RFC 9112): head and chunks.

#include <cstdint>
#include <string>
#include <string_view>

#include <verge/platform/http/message.hpp>

namespace verge::http {

/// How the client learns where the body ends.
enum class Framing { Length, Chunked, UntilClose };

/// What a head needs beside the Response itself.
struct HeadContext {
  Framing framing = Framing::Length;
  size_t length = 0;  // of the body, for Framing::Length
  int minor_version = 1;
  bool keep_alive = true;
  // None when empty; origin: CORS.
  std::string_view request_id = {}, server_name = {}, date = {}, origin = {};
};

/// "OK" for 200; "Status" for what has no name.
std::string_view reason_phrase(int status);

/// Whether answers of this status have no body, whatever they say (RFC 9110, 6.4.1).
bool is_without_body(int status);

/// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(int64_t unix_seconds);

/// Status line, fields and the empty line. Control characters in names and values become spaces;
/// fields that the framing owns are left out of Response::headers.
void append_head(std::string& out, const Response& response, const HeadContext& context);

/// One chunk of the chunked coding; nothing for an empty piece.
void append_chunk(std::string& out, std::string_view piece);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace verge::http
