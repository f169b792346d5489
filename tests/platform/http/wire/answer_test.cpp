#include <string>

#include <gtest/gtest.h>

#include <verge/platform/http/wire/answer.hpp>

#include "http_client.hpp"

namespace verge::http {
namespace {

std::string head(const Response& response, const HeadContext& context) {
  std::string out;
  append_head(out, response, context);
  return out;
}

TEST(Head, SaysHowLongTheBodyIs) {
  const Response response = text_response(200, "");
  const auto length = test::parse_head(head(response, {.length = 12}));
  EXPECT_EQ(length.status, 200);
  EXPECT_EQ(length.field("content-length"), "12");
  EXPECT_EQ(length.field("connection"), "");
  const auto chunked = test::parse_head(head(response, {.framing = Framing::Chunked}));
  EXPECT_EQ(chunked.field("transfer-encoding"), "chunked");
  EXPECT_EQ(chunked.field("content-length"), "");
  const auto open =
      test::parse_head(head(response, {.framing = Framing::UntilClose, .keep_alive = false}));
  EXPECT_EQ(open.field("transfer-encoding") + open.field("content-length"), "");
  EXPECT_EQ(open.field("connection"), "close");
}

TEST(Head, OldClientsAreToldThatTheConnectionStays) {
  const auto old = test::parse_head(head({}, {.minor_version = 0}));
  EXPECT_EQ(old.field("connection"), "keep-alive");
}

TEST(Head, SomeAnswersHaveNoBody) {
  for (const int status : {204, 304}) {
    const auto parsed = test::parse_head(head({.status = status}, {.length = 0}));
    EXPECT_EQ(parsed.status, status);
    EXPECT_EQ(parsed.fields.count("content-length"), 0u);
  }
  EXPECT_FALSE(is_without_body(200));
  EXPECT_TRUE(is_without_body(100));
}

TEST(Head, NoValueCanAddAFieldOrEndTheHead) {
  Response response = text_response(200, "");
  response.headers = {{"X-Model", "a\r\nEvil: 1\r\n\r\nbody"}, {"Na\nme", "v"}};
  response.content_type = "text/plain\r\nEvil: 2";
  const std::string text = head(response, {.request_id = "x\r\nEvil: 3"});
  EXPECT_EQ(text.find("\nEvil"), std::string::npos);
  EXPECT_EQ(text.find("\r\n\r\n"), text.size() - 4);
}

TEST(Head, FramingIsNotTheHandlersMatter) {
  Response response;
  response.headers = {{"content-LENGTH", "5"}, {"Transfer-Encoding", "gzip"}, {"Connection", "x"}};
  const auto parsed = test::parse_head(head(response, {.length = 3}));
  EXPECT_EQ(parsed.fields.count("content-length"), 1u);
  EXPECT_EQ(parsed.field("content-length"), "3");
  EXPECT_EQ(parsed.fields.count("transfer-encoding") + parsed.fields.count("connection"), 0u);
}

TEST(Head, AllowedOriginsAreNamed) {
  const auto one = test::parse_head(head({}, {.origin = "https://a.example"}));
  EXPECT_EQ(one.field("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(one.field("vary"), "Origin");
  EXPECT_EQ(test::parse_head(head({}, {.origin = "*"})).field("vary"), "");
}

TEST(Head, StatusesHaveReasons) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(505), "HTTP Version Not Supported");
  EXPECT_EQ(reason_phrase(299), "Status");
  EXPECT_EQ(reason_phrase(999), "Status");
  EXPECT_TRUE(head({.status = 418}, {}).starts_with("HTTP/1.1 418 Status\r\n"));
}

TEST(Date, IsTheFormOfRfc9110) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(http_date(1709251199), "Thu, 29 Feb 2024 23:59:59 GMT");
}

TEST(Chunks, HaveTheirSizeInHexadecimal) {
  std::string out;
  append_chunk(out, "");
  EXPECT_EQ(out, "");
  append_chunk(out, std::string(26, 'x'));
  EXPECT_EQ(out, "1a\r\n" + std::string(26, 'x') + "\r\n");
}

}  // namespace
}  // namespace verge::http
