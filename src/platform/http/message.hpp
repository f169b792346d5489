#pragma once
// Request and Response: one HTTP exchange as values, parsed and checked, without sockets.

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace verge::http {

struct Field {
  std::string name;
  std::string value;
};

/// Header fields in their order; names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  /// The value of the first field of that name, or null.
  const std::string* find(std::string_view name) const;
  /// The same, or `otherwise`.
  std::string_view value(std::string_view name, std::string_view otherwise = {}) const;
  size_t count(std::string_view name) const;
  void add(std::string name, std::string value);
  /// Replaces every field of that name.
  void set(std::string name, std::string value);

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }

 private:
  std::vector<Field> fields_;
};

struct Request {
  std::string method;         // "GET", as sent
  std::string target;         // "/v1/models/a%20b?x=1", as sent
  std::string path;           // "/v1/models/a b": without the query, decoded
  std::vector<Field> params;  // what the route's {name} segments stand for, decoded
  std::vector<Field> query;   // decoded, in order; "+" is a space
  Headers headers;
  std::string body;  // whole, transfer coding removed
  int minor_version = 1;
  std::string peer;  // "203.0.113.5", "2001:db8::1"; "unix" for a local socket
  bool tls = false;
  std::string id;  // X-Request-Id of the client if it is sane, else one of the server's

  /// The value of {name}, empty when the route has none of that name.
  std::string_view param(std::string_view name) const;
  /// The first value of that name in the query, or null.
  const std::string* query_value(std::string_view name) const;
};

/// Whole answers. The server adds Content-Length, Date, X-Request-Id and what the connection needs;
/// line breaks in a header's value are sent as spaces.
struct Response {
  int status = 200;
  std::string content_type = {};  // no Content-Type when empty
  std::string body = {};
  Headers headers = {};
  /// Sent instead of `body` when not empty, without a copy: bytes that live as long as the server.
  std::string_view static_body = {};
};

Response json_response(int status, std::string body);
Response text_response(int status, std::string body);

}  // namespace verge::http
