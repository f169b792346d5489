#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/exchange.hpp>

namespace verge::serve::api {
namespace {

TEST(Exchange, ThePathSaysTheProtocol) {
  EXPECT_EQ(protocol_of("/api/chat"), Protocol::Ollama);
  for (const char* path : {"/v1/chat/completions", "/", "/apix", "/verge/live"}) {
    EXPECT_EQ(protocol_of(path), Protocol::OpenAi) << path;
  }
}

TEST(Exchange, ErrorsHaveTheirHeaders) {
  ApiError busy{429, "rate_limit_exceeded", "later"};
  busy.retry_after_s = 1.2;
  const http::Response limited = error_response(Protocol::OpenAi, busy, "r1");
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.headers.value("Retry-After"), "2");
  EXPECT_EQ(limited.content_type, "application/json");
  EXPECT_EQ(nlohmann::json::parse(limited.body)["error"]["request_id"], "r1");
  const http::Response unknown = error_response(Protocol::Ollama, {401, "x", "no"}, "r1");
  EXPECT_EQ(unknown.headers.value("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(unknown.headers.find("Retry-After"), nullptr);
  EXPECT_EQ(unknown.body, R"({"error":"no"})");
}

}  // namespace
}  // namespace verge::serve::api
