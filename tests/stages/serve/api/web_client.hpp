#pragma once
// One HTTP/1.1 request after the other over a real socket, each on a connection of its own.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <http_client.hpp>
#include <nlohmann/json.hpp>

namespace verge::test {

struct WebAnswer {
  int status = 0;                              // 0: the stream ended before a whole answer
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  nlohmann::ordered_json json() const {
    return nlohmann::ordered_json::parse(body, nullptr, false);
  }
};

using WebHeaders = std::map<std::string, std::string>;

/// Models take their time to answer.
inline constexpr std::chrono::seconds kWebLimit{60};

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
  HttpClient client(port, kWebLimit);
  client.send(request_bytes(method, target, body, headers));
  HttpAnswer answer = client.answer(method == "HEAD");
  WebAnswer result{answer.status, {}, std::move(answer.body)};
  for (const auto& [name, value] : answer.fields) result.headers[name] = value;
  return result;
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
