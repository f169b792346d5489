#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include <verge/platform/http/wire/answer.hpp>
#include <verge/platform/http/wire/field_value.hpp>

namespace verge::http {
namespace {

constexpr std::pair<int, std::string_view> kReasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

// A value as one line: what could end it early becomes a space.
void append_line(std::string& out, std::string_view text) {
  const size_t begin = out.size();
  out += text;
  for (size_t i = begin; i < out.size(); ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    if ((c < 0x20 && c != '\t') || c == 0x7f) out[i] = ' ';
  }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  append_line(out, name);
  out += ": ";
  append_line(out, value);
  out += "\r\n";
}

bool is_of_the_framing(std::string_view name) {
  constexpr std::string_view kOwned[] = {"Content-Length", "Transfer-Encoding", "Connection"};
  return std::ranges::any_of(kOwned, [&](auto owned) { return equal_without_case(owned, name); });
}

void append_framing(std::string& out, int status, const HeadContext& context) {
  if (!is_without_body(status)) {
    if (context.framing == Framing::Length) {
      fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", context.length);
    } else if (context.framing == Framing::Chunked) {
      out += "Transfer-Encoding: chunked\r\n";
    }
  }
  if (!context.keep_alive) {
    out += "Connection: close\r\n";
  } else if (context.minor_version == 0) {
    out += "Connection: keep-alive\r\n";
  }
}

void append_origin(std::string& out, std::string_view origin) {
  append_field(out, "Access-Control-Allow-Origin", origin);
  append_field(out, "Access-Control-Expose-Headers", "Retry-After, X-Request-Id");
  if (origin != "*") append_field(out, "Vary", "Origin");
}

}  // namespace

std::string_view reason_phrase(int status) {
  const auto found =
      std::ranges::lower_bound(kReasons, status, {}, [](auto& pair) { return pair.first; });
  if (found == std::end(kReasons) || found->first != status) return "Status";
  return found->second;
}

bool is_without_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

std::string http_date(int64_t unix_seconds) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm t = {};
  ::gmtime_r(&seconds, &t);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[t.tm_wday], t.tm_mday,
                     kMonths[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

void append_head(std::string& out, const Response& response, const HeadContext& context) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", response.status,
                 reason_phrase(response.status));
  if (!context.server_name.empty()) append_field(out, "Server", context.server_name);
  if (!context.date.empty()) append_field(out, "Date", context.date);
  if (!context.request_id.empty()) append_field(out, "X-Request-Id", context.request_id);
  if (!context.origin.empty()) append_origin(out, context.origin);
  if (!response.content_type.empty()) append_field(out, "Content-Type", response.content_type);
  for (const Field& field : response.headers) {
    if (!is_of_the_framing(field.name)) append_field(out, field.name, field.value);
  }
  append_framing(out, response.status, context);
  out += "\r\n";
}

void append_chunk(std::string& out, std::string_view piece) {
  if (piece.empty()) return;
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", piece.size());
  out += piece;
  out += "\r\n";
}

}  // namespace verge::http
