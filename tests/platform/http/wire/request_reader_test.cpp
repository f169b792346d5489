#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <verge/platform/http/wire/request_reader.hpp>

namespace verge::http {
namespace {

constexpr ReaderLimits kLimits = {.header_bytes = 512, .header_fields = 8};
constexpr size_t kBody = 64;

// All requests in `bytes`, fed in pieces of `step`, as "METHOD path [body]" and at the end the
// status of a refusal, "more" in the middle of a request, or nothing.
std::vector<std::string> read(const std::string& bytes, size_t step) {
  RequestReader reader(kLimits);
  std::vector<std::string> found;
  std::string input;
  for (size_t at = 0; at < bytes.size(); at += step) {
    input += bytes.substr(at, step);
    for (Progress progress = Progress::Header; progress != Progress::More;) {
      size_t used = 0;
      progress = reader.advance(input, used);
      EXPECT_LE(used, input.size());
      input.erase(0, used);
      if (progress == Progress::Header)
        progress = std::max(Progress::Header, reader.limit_body(kBody));
      if (progress == Progress::Refused) {
        found.push_back(std::to_string(reader.fault().status));
        EXPECT_NE(reader.fault().message, "");
        return found;
      }
      if (progress == Progress::Complete) {
        const Request& request = reader.request();
        found.push_back(request.method + " " + request.path + " [" + request.body + "]");
        reader.reset();
      }
    }
  }
  if (reader.has_started() || !input.empty()) found.push_back("more");
  return found;
}

void expect_read(const std::string& bytes, const std::vector<std::string>& expected) {
  for (size_t step = 1; step <= bytes.size(); ++step)
    ASSERT_EQ(read(bytes, step), expected) << bytes;
}

std::string with(const std::string& fields, const std::string& body = "") {
  return "POST /p HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + body;
}

TEST(RequestReader, ReadsRequestsInPiecesOfEverySize) {
  expect_read("GET / HTTP/1.1\r\nHost: h\r\n\r\n", {"GET / []"});
  expect_read(with("Content-Length: 3\r\n", "abc"), {"POST /p [abc]"});
  expect_read(with("Content-Length: 3\r\n", "ab"), {"more"});
  expect_read(with("Content-Length: 0\r\n") + "GET /b HTTP/1.0\r\n\r\n",
              {"POST /p []", "GET /b []"});
  expect_read("\r\n\r\nGET /%41?x HTTP/1.1\r\nHost: h\r\n\r\n\r\n", {"GET /A []"});
  expect_read("GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n", {"GET /a []"});
}

TEST(RequestReader, ReadsChunks) {
  const std::string chunked = with("Transfer-Encoding: Chunked\r\n");
  expect_read(chunked + "3\r\nabc\r\n0\r\n\r\n", {"POST /p [abc]"});
  expect_read(chunked + "0\r\n\r\n", {"POST /p []"});
  expect_read(
      chunked + "00A;n=v;q=\"x\"\r\n0123456789\r\n1\r\nx\r\n000\r\nTrailer: t\r\n\r\nGET / HT",
      {"POST /p [0123456789x]", "more"});
  expect_read(chunked + "g\r\nabc", {"400"});
  expect_read(chunked + "3\r\nabcd\r\n0\r\n\r\n", {"400"});
  expect_read(chunked + "-1\r\n\r\n0\r\n", {"400"});
  expect_read(chunked + "ffffffffffffffffff\r\n", {"400"});
  expect_read(chunked + "41\r\nab", {"413"});
  expect_read(chunked + "3f\r\n" + std::string(63, 'x') + "\r\n2\r\nab", {"413"});
  expect_read(chunked + std::string(600, '0'), {"400"});
  expect_read(chunked + "0\r\nT: " + std::string(600, 't'), {"400"});
}

TEST(RequestReader, ATrailerIsNoHeader) {
  RequestReader reader(kLimits);
  const std::string bytes = with("Transfer-Encoding: chunked\r\n", "0\r\nAuthorization: x\r\n\r\n");
  size_t used = 0;
  ASSERT_EQ(reader.advance(bytes, used), Progress::Header);
  size_t more = 0;
  ASSERT_EQ(reader.advance(std::string_view(bytes).substr(used), more), Progress::Complete);
  EXPECT_EQ(reader.request().headers.find("Authorization"), nullptr);
}

TEST(RequestReader, RefusesWhatTwoReadersCouldReadDifferently) {
  const char* kSmuggled[] = {
      "GET / HTTP/1.1\nHost: h\n\n\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
      "GET / HTTP/1.1\r\n Host: h\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: h\r\n\r\n",
      "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 2\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
      ("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
       "chunked\r\n\r\n"),
      "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
      "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /?%z HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET h HTTP/1.1\r\nHost: h\r\n\r\n",
      "\x16\x03\x01\x02\x01\x01\r\n\r\n",
      "{}\r\n\r\n",
  };
  for (const char* bytes : kSmuggled) expect_read(bytes, {"400"});
}

TEST(RequestReader, RefusesWhatItDoesNotUnderstand) {
  expect_read(with("Transfer-Encoding: gzip, chunked\r\n"), {"501"});
  expect_read(with("Transfer-Encoding: identity\r\n"), {"501"});
  expect_read(with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), {"501"});
  expect_read(with("Expect: a-miracle\r\n"), {"417"});
  expect_read("GET / HTTP/2.0\r\nHost: h\r\n\r\n", {"505"});
  expect_read("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {"505"});
}

TEST(RequestReader, LongHeadersAreRefusedAndShorterOnesAreNot) {
  const std::string frame = "GET / HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n";
  const auto request = [&](size_t bytes) {
    return "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(bytes - frame.size(), 'x') + "\r\n\r\n";
  };
  expect_read(request(512), {"GET / []"});
  expect_read(request(513), {"431"});
  EXPECT_EQ(read("GET /" + std::string(10'000, 'x'), 7), std::vector<std::string>{"431"});
  std::string fields = "Host: h\r\n";
  for (int i = 0; i < 7; ++i) fields += "A: b\r\n";
  expect_read("GET / HTTP/1.1\r\n" + fields + "\r\n", {"GET / []"});
  expect_read("GET / HTTP/1.1\r\n" + fields + "A: b\r\n\r\n", {"431"});
}

TEST(RequestReader, LongBodiesAreRefusedByTheirHeader) {
  expect_read(with("Content-Length: 64\r\n", std::string(64, 'x')),
              {"POST /p [" + std::string(64, 'x') + "]"});
  expect_read(with("Content-Length: 65\r\n"), {"413"});
}

TEST(RequestReader, SaysWhatTheConnectionNeedsToKnow) {
  RequestReader reader(kLimits);
  size_t used = 0;
  const std::string bytes = with("Expect: 100-Continue\r\nContent-Length: 3\r\n");
  ASSERT_EQ(reader.advance(bytes, used), Progress::Header);
  EXPECT_TRUE(reader.keep_alive());
  EXPECT_TRUE(reader.expects_continue());
  EXPECT_TRUE(reader.has_body());
  EXPECT_EQ(reader.content_length(), 3u);
  EXPECT_EQ(reader.encoded_path(), "/p");
  reader.reset();
  const std::string other = "GET http://h?q HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n";
  ASSERT_EQ(reader.advance(other, used), Progress::Header);
  EXPECT_FALSE(reader.keep_alive());
  EXPECT_FALSE(reader.expects_continue());
  EXPECT_FALSE(reader.has_body());
  EXPECT_EQ(reader.content_length(), std::nullopt);
  EXPECT_EQ(reader.encoded_path(), "/");
  EXPECT_NE(reader.request().query_value("q"), nullptr);
}

TEST(RequestReader, OldClientsMustAskToStay) {
  for (const auto& [fields, stays] : {std::pair("", false), {"Connection: keep-alive\r\n", true}}) {
    RequestReader reader(kLimits);
    size_t used = 0;
    ASSERT_EQ(reader.advance(std::string("GET / HTTP/1.0\r\n") + fields + "\r\n", used),
              Progress::Header);
    EXPECT_EQ(reader.keep_alive(), stays);
    EXPECT_EQ(reader.request().minor_version, 0);
  }
}

}  // namespace
}  // namespace verge::http
