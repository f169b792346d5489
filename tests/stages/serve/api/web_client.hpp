#pragma once
// WebClient: one blocking HTTP/1.1 request after the other over a real socket, each with an end.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

namespace verge::test {

struct WebAnswer {
  int status = 0;                              // 0: the connection ended before one
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  nlohmann::ordered_json json() const {
    return nlohmann::ordered_json::parse(body, nullptr, false);
  }
};

/// A connection. Reading gives up after a minute.
class WebConnection {
 public:
  explicit WebConnection(uint16_t port) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const timeval limit{60, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) hang_up();
  }
  ~WebConnection() { hang_up(); }
  WebConnection(const WebConnection&) = delete;
  WebConnection& operator=(const WebConnection&) = delete;

  void send(const std::string& bytes) {
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t count = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<size_t>(count);
    }
  }
  /// Reads until `mark` has come, or the end: all read so far.
  const std::string& read_until(const std::string& mark) {
    while (received_.find(mark) == std::string::npos && more()) continue;
    return received_;
  }
  std::string read_all() {
    while (more()) continue;
    return received_;
  }
  void hang_up() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

 private:
  bool more() {
    char buffer[16384];
    const ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
    if (count > 0) received_.append(buffer, static_cast<size_t>(count));
    return count > 0;
  }

  int socket_ = -1;
  std::string received_;
};

inline std::string unchunked(const std::string& body) {
  std::string whole;
  for (size_t at = 0; at < body.size();) {
    const size_t line = body.find("\r\n", at);
    if (line == std::string::npos) break;
    const size_t size = std::strtoul(body.c_str() + at, nullptr, 16);
    if (size == 0) break;
    whole += body.substr(line + 2, size);
    at = line + 2 + size + 2;
  }
  return whole;
}

inline WebAnswer parse_answer(const std::string& bytes) {
  WebAnswer answer;
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return answer;
  answer.status = std::atoi(bytes.c_str() + 9);
  for (size_t at = bytes.find("\r\n") + 2; at < end + 2;) {
    const size_t next = bytes.find("\r\n", at), colon = bytes.find(':', at);
    std::string name = bytes.substr(at, colon - at);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    answer.headers[name] = bytes.substr(colon + 2, next - colon - 2);
    at = next + 2;
  }
  answer.body = bytes.substr(end + 4);
  if (answer.headers["transfer-encoding"] == "chunked") answer.body = unchunked(answer.body);
  return answer;
}

using WebHeaders = std::map<std::string, std::string>;

inline std::string request_bytes(const std::string& method, const std::string& target,
                                 const std::string& body, const WebHeaders& headers = {}) {
  std::string text =
      method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  if (!body.empty() || method == "POST") {
    text +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + body;
}

inline WebAnswer ask(uint16_t port, const std::string& method, const std::string& target,
                     const std::string& body = {}, const WebHeaders& headers = {}) {
  WebConnection connection(port);
  connection.send(request_bytes(method, target, body, headers));
  return parse_answer(connection.read_all());
}

/// The data of server-sent events, or the lines of NDJSON.
inline std::vector<std::string> streamed(const std::string& body) {
  std::vector<std::string> all;
  size_t at = 0;
  while (at < body.size()) {
    const size_t end = std::min(body.find('\n', at), body.size());
    std::string line = body.substr(at, end - at);
    if (line.starts_with("data: ")) line = line.substr(6);
    if (!line.empty()) all.push_back(line);
    at = end + 1;
  }
  return all;
}

}  // namespace verge::test
