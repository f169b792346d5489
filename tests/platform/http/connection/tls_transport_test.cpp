// TLS over real sockets.

#include <future>
#include <string>

#include <gtest/gtest.h>

#include <verge/platform/http/server.hpp>

#include "http_client.hpp"
#include "manual_clock.hpp"
#include "temporary_folder.hpp"
#include "test_certificate.hpp"
#include "test_server.hpp"

namespace verge::http {
namespace {

using test::HttpAnswer;
using test::HttpClient;
using test::ManualClock;
using test::TlsClient;

struct TlsSite {
  ManualClock clock;
  test::TemporaryFolder folder;
  std::promise<ResponseWriter> stream;
  std::promise<CloseReason> closed;
  test::TestServer server;

  TlsSite() : server(routes(), ServerOptions(), clock, listen()) {}

  Router routes() {
    Router router;
    router.add("POST", "/echo", [](Request request, ResponseWriter writer) {
      EXPECT_TRUE(request.tls);
      writer.respond(text_response(200, request.body));
    });
    router.add("GET", "/events", [this](Request, ResponseWriter writer) {
      writer.start({.content_type = "text/event-stream"});
      writer.on_close([this](CloseReason reason) { closed.set_value(reason); });
      stream.set_value(std::move(writer));
    });
    return router;
  }

  Listen listen() {
    const test::PemPair pair = test::make_certificate();
    return {.tls = TlsFiles{folder.add("c.pem", pair.certificate), folder.add("k.pem", pair.key)}};
  }
};

TEST(TlsTransport, SpeaksBothNewVersionsAndNoOld) {
  TlsSite f;
  EXPECT_TRUE(f.server.endpoint().url.starts_with("https://127.0.0.1:"));
  TlsClient newest(f.server.port());
  ASSERT_TRUE(newest.is_secure());
  EXPECT_EQ(newest.version(), "TLSv1.3");
  EXPECT_EQ(newest.protocol(), "http/1.1");
  TlsClient older(f.server.port(), 0, TLS1_2_VERSION);
  EXPECT_EQ(older.version(), "TLSv1.2");
  EXPECT_FALSE(TlsClient(f.server.port(), TLS1_VERSION, TLS1_1_VERSION).is_secure());
}

TEST(TlsTransport, BodiesOfManyRecordsArriveWhole) {
  TlsSite f;
  TlsClient client(f.server.port());
  for (const size_t size : {size_t{0}, size_t{1}, size_t{16'384}, size_t{1'000'000}}) {
    const std::string body(size, 'b');
    client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) +
                "\r\n\r\n" + body);
    EXPECT_EQ(client.answer().body, body);
  }
}

TEST(TlsTransport, TheLastAnswerEndsWithAGoodbye) {
  TlsSite f;
  TlsClient client(f.server.port());
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(client.answer().body, "x");
  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(client.was_told_goodbye());
}

TEST(TlsTransport, AStreamHearsThatItsClientWentAway) {
  for (const int way : {0, 1, 2}) {
    TlsSite f;
    TlsClient client(f.server.port());
    client.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
    ResponseWriter writer = f.stream.get_future().get();
    writer.write("data: one\n\n");
    EXPECT_TRUE(client.until("data: one\n\n").has_value());
    if (way == 0) client.say_goodbye();
    if (way == 1) client.close();
    if (way == 2) client.reset();
    EXPECT_EQ(f.closed.get_future().get(), CloseReason::ClientGone);
    EXPECT_TRUE(test::eventually([&] { return f.server.server().connections() == 0; }));
  }
}

TEST(TlsTransport, PlainBytesAreNoHandshake) {
  TlsSite f;
  HttpClient client(f.server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(test::eventually([&] { return f.server.server().connections() == 0; }));
}

}  // namespace
}  // namespace verge::http
