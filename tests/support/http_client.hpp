#pragma once
// A client that sends any bytes over loopback and reads answers strictly. Every wait has an end, as
// a failure.

#include <cctype>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace verge::test {

struct HttpAnswer {
  int status = 0;
  std::string head;
  std::multimap<std::string, std::string> fields;  // names in lower case
  std::string body;

  std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
};

/// Parses status line and fields; 0 as status when they are malformed.
inline HttpAnswer parse_head(const std::string& head) {
  HttpAnswer answer;
  answer.head = head;
  const bool is_http = head.starts_with("HTTP/1.1 ") && head.size() > 12 && head[12] == ' ';
  if (!is_http) return answer;
  size_t at = head.find("\r\n") + 2;
  while (at + 2 < head.size()) {
    const size_t end = head.find("\r\n", at);
    const size_t colon = head.find(": ", at);
    if (end == std::string::npos || colon == std::string::npos || colon > end) return answer;
    std::string name = head.substr(at, colon - at);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    answer.fields.emplace(name, head.substr(colon + 2, end - colon - 2));
    at = end + 2;
  }
  answer.status = std::stoi(head.substr(9, 3));
  return answer;
}

/// What bytes go through; a plain socket here, TLS in other tests.
class HttpClient {
 public:
  /// `limit`: the longest wait for further bytes.
  explicit HttpClient(uint16_t port, std::chrono::seconds limit = std::chrono::seconds(60))
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), limit_(limit) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  explicit HttpClient(const std::string& unix_path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, unix_path.data(), unix_path.size());
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  virtual ~HttpClient() { close(); }
  HttpClient(HttpClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        limit_(other.limit_),
        buffer_(std::move(other.buffer_)) {}

  int socket() const { return socket_; }
  bool is_connected() const { return is_connected_; }

  /// False once the peer refuses bytes.
  virtual bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  /// The next answer; status 0 when the stream ends before it or breaks the protocol.
  HttpAnswer answer(bool is_to_head = false) {
    const std::optional<std::string> head = until("\r\n\r\n");
    if (!head) return {};
    HttpAnswer answer = parse_head(*head);
    if (is_to_head || answer.status < 200 || answer.status == 204 || answer.status == 304) {
      return answer;
    }
    if (!read_body(answer)) answer.status = 0;
    return answer;
  }

  HttpAnswer get(const std::string& path, const std::string& fields = "") {
    send("GET " + path + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
    return answer();
  }
  HttpAnswer post(const std::string& path, const std::string& json) {
    send("POST " + path +
         " HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(json.size()) + "\r\n\r\n" + json);
    return answer();
  }

  /// Up to and with `mark`; nothing when the stream ends before.
  std::optional<std::string> until(std::string_view mark) {
    size_t found;
    while ((found = buffer_.find(mark)) == std::string::npos) {
      if (!read_some()) return std::nullopt;
    }
    return take(found + mark.size());
  }

  std::optional<std::string> exactly(size_t bytes) {
    while (buffer_.size() < bytes) {
      if (!read_some()) return std::nullopt;
    }
    return take(bytes);
  }

  /// Everything up to the end of the stream.
  std::string rest() {
    while (read_some()) continue;
    return take(buffer_.size());
  }

  /// Whether the peer closes; bytes before that are dropped.
  bool is_closed() {
    rest();
    return has_ended_;
  }

  void half_close() { ::shutdown(socket_, SHUT_WR); }
  /// Closes with a reset instead of a goodbye.
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close();
  }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

 protected:
  /// 0 at the end, -1 when broken or nothing came in time.
  virtual ssize_t receive(char* data, size_t size) {
    pollfd waiting{socket_, POLLIN, 0};
    const std::chrono::milliseconds limit = limit_;
    if (::poll(&waiting, 1, static_cast<int>(limit.count())) != 1) {
      ADD_FAILURE() << "nothing came within " << limit_.count() << " seconds";
      return -1;
    }
    return ::recv(socket_, data, size, 0);
  }

 private:
  void connect(const sockaddr* address, socklen_t size) {
    is_connected_ = ::connect(socket_, address, size) == 0;
  }

  bool read_some() {
    char bytes[16384];
    const ssize_t received = receive(bytes, sizeof(bytes));
    has_ended_ = has_ended_ || received <= 0;
    if (received > 0) buffer_.append(bytes, static_cast<size_t>(received));
    return received > 0;
  }

  std::string take(size_t bytes) {
    std::string result = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return result;
  }

  bool read_body(HttpAnswer& answer) {
    if (answer.field("transfer-encoding") == "chunked") return read_chunks(answer.body);
    const std::string length = answer.field("content-length");
    if (length.empty()) {
      answer.body = rest();
      return true;
    }
    const std::optional<std::string> body = exactly(std::stoul(length));
    if (body) answer.body = *body;
    return body.has_value();
  }

  bool read_chunks(std::string& body) {
    for (;;) {
      const std::optional<std::string> line = until("\r\n");
      if (!line) return false;
      const size_t size = std::stoul(*line, nullptr, 16);
      const std::optional<std::string> chunk = exactly(size + 2);
      if (!chunk || !chunk->ends_with("\r\n")) return false;
      if (size == 0) return true;
      body += chunk->substr(0, size);
    }
  }

  int socket_;
  std::chrono::seconds limit_{60};
  bool is_connected_ = false;
  bool has_ended_ = false;
  std::string buffer_;
};

}  // namespace verge::test
