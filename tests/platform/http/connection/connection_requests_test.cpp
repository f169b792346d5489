// What requests come to: answers, refusals, limits of size; over memory.

#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "http_client.hpp"
#include "manual_clock.hpp"
#include "memory_transport.hpp"

namespace verge::http {
namespace {

using test::HttpAnswer;
using test::ManualClock;
using test::MemorySite;
using test::MemoryWire;

struct EchoSite {
  ManualClock clock;
  int handled = 0;
  MemorySite memory;
  std::shared_ptr<MemoryWire> wire;

  explicit EchoSite(ServerOptions options = {})
      : memory(routes(), std::move(options), clock), wire(memory.connect()) {}

  Router routes() {
    Router router;
    router.add("GET", "/hello", [this](Request, ResponseWriter writer) {
      ++handled;
      writer.respond(text_response(200, "hello"));
    });
    const Handler echo = [this](Request request, ResponseWriter writer) {
      ++handled;
      writer.respond(text_response(200, request.body));
    };
    router.add("POST", "/echo", echo);
    router.add("POST", "/small", echo, {.body_bytes = 4});
    router.add("GET", "/stream", [](Request, ResponseWriter writer) {
      writer.start({.content_type = "text/plain"});
      writer.write("a");
      writer.write("");
      writer.write("bc");
      writer.end();
    });
    router.add("GET", "/throws", [](Request, ResponseWriter) { throw std::runtime_error("x"); });
    router.add("GET", "/throws-late", [](Request, ResponseWriter writer) {
      writer.start({});
      writer.write("half");
      throw 7;
    });
    router.add("GET", "/silent", [](Request, ResponseWriter) {});
    router.add("GET", "/none", [](Request, ResponseWriter writer) {
      writer.respond({.status = 204, .body = "ignored"});
    });
    static const std::string kLarge(300'000, 'L');
    router.add("GET", "/static",
               [](Request, ResponseWriter writer) { writer.respond({.static_body = kLarge}); });
    return router;
  }

  /// Sends, and what came back.
  std::string send(const std::string& bytes) {
    wire->from_server.clear();
    memory.send(*wire, bytes);
    return wire->from_server;
  }
};

std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}

std::string post(const std::string& path, const std::string& fields, const std::string& body = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + body;
}

HttpAnswer parsed(const std::string& bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  HttpAnswer answer =
      end == std::string::npos ? HttpAnswer() : test::parse_head(bytes.substr(0, end + 4));
  if (end != std::string::npos) answer.body = bytes.substr(end + 4);
  return answer;
}

TEST(Requests, StreamsAreChunkedOrEndWithTheConnection) {
  EchoSite f;
  EXPECT_EQ(parsed(f.send(get("/stream"))).body, "3\r\nabc\r\n0\r\n\r\n");
  EXPECT_FALSE(f.wire->is_shut);
  const HttpAnswer old = parsed(f.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_EQ(old.body, "abc");
  EXPECT_EQ(old.field("connection"), "close");
  EXPECT_TRUE(f.wire->is_shut);
}

TEST(Requests, HeadHasTheHeadOfGetAndNoBody) {
  EchoSite f;
  const HttpAnswer hello = parsed(f.send("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(hello.field("content-length"), "5");
  EXPECT_EQ(hello.body, "");
  EXPECT_EQ(parsed(f.send("HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n")).body, "");
  EXPECT_EQ(parsed(f.send("HEAD /missing HTTP/1.1\r\nHost: h\r\n\r\n")).body, "");
  EXPECT_EQ(parsed(f.send(get("/none"))).body, "");
  EXPECT_EQ(parsed(f.send(get("/hello"))).body, "hello") << "the connection is still in step";
}

TEST(Requests, LargeFixedBodiesArriveWhole) {
  EchoSite f;
  EXPECT_EQ(parsed(f.send(get("/static"))).body, std::string(300'000, 'L'));
}

TEST(Requests, ConnectionCloseIsHonoured) {
  EchoSite f;
  EXPECT_EQ(parsed(f.send(get("/hello", "Connection: close\r\n"))).field("connection"), "close");
  EXPECT_TRUE(f.wire->is_shut);
  EXPECT_EQ(f.send(get("/hello")), "");
  EXPECT_EQ(f.handled, 1);
}

TEST(Requests, MissingRoutesAndMethodsKeepTheConnection) {
  EchoSite f;
  EXPECT_EQ(parsed(f.send(get("/missing"))).status, 404);
  const HttpAnswer wrong = parsed(f.send("PUT /hello HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.field("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(parsed(f.send(post("/missing", "Content-Length: 3\r\n", "abc"))).status, 404);
  EXPECT_EQ(parsed(f.send("OPTIONS /hello HTTP/1.1\r\nHost: h\r\n\r\n")).status, 204);
  EXPECT_EQ(parsed(f.send("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")).status, 204);
  EXPECT_EQ(parsed(f.send(get("/hello"))).status, 200);
}

TEST(Requests, MalformedOnesEndTheConnection) {
  EchoSite g;
  EXPECT_EQ(parsed(g.send("G@T / HTTP/1.1\r\n\r\n" + get("/hello"))).status, 400);
  EXPECT_EQ(g.handled, 0) << "what follows a malformed request is not trusted";
  EXPECT_TRUE(g.wire->is_shut);
}

TEST(Requests, ADeclaredBodyBeyondTheLimitIsNotRead) {
  EchoSite f({.limits = {.body_bytes = 10}});
  EXPECT_EQ(parsed(f.send(post("/echo", "Content-Length: 10\r\n", "0123456789"))).status, 200);
  EXPECT_EQ(parsed(f.send(post("/small", "Content-Length: 4\r\n", "0123"))).status, 200);
  EXPECT_EQ(parsed(f.send(post("/small", "Content-Length: 5\r\n"))).status, 413);
  EXPECT_TRUE(f.wire->is_shut);
  EchoSite g({.limits = {.body_bytes = 10}});
  EXPECT_EQ(parsed(g.send(post("/echo", "Content-Length: 11\r\n"))).status, 413);
  EchoSite h({.limits = {.body_bytes = 10}});
  EXPECT_EQ(
      parsed(h.send(post("/echo", "Transfer-Encoding: chunked\r\n", "8\r\n01234567\r\n8\r\n")))
          .status,
      413);
}

TEST(Requests, BodiesBeingReadShareABound) {
  EchoSite f({.limits = {.body_memory_bytes = 1000}});
  const auto other = f.memory.connect();
  f.memory.send(*other, post("/echo", "Content-Length: 5000\r\n", std::string(600, 'x')));
  EXPECT_EQ(f.send(post("/echo", "Content-Length: 5000\r\n", std::string(300, 'x'))), "");
  const HttpAnswer answer = parsed(f.send(std::string(300, 'x')));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.field("retry-after"), "1");
  EXPECT_EQ(f.memory.site.body_bytes, 600u);
  other->is_broken = true;
  f.memory.pump(*other);
  EXPECT_EQ(f.memory.site.body_bytes, 0u);
}

TEST(Requests, ContinueIsSaidWhenTheBodyIsWanted) {
  EchoSite f({.limits = {.body_bytes = 10}});
  const std::string expects = "Expect: 100-continue\r\nContent-Length: 3\r\n";
  EXPECT_EQ(f.send(post("/echo", expects)), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(parsed(f.send("abc")).body, "abc");
  EXPECT_EQ(parsed(f.send(post("/echo", expects, "xyz"))).body, "xyz") << "it did not wait";
  EXPECT_EQ(parsed(f.send(post("/missing", expects))).status, 404);
  EXPECT_TRUE(f.wire->is_shut) << "whether the body follows is not known";
  EchoSite g({.limits = {.body_bytes = 2}});
  EXPECT_EQ(parsed(g.send(post("/echo", expects))).status, 413);
}

TEST(Requests, HandlersThatFailAnswer500) {
  EchoSite f;
  for (const char* path : {"/throws", "/silent"}) {
    const HttpAnswer answer = parsed(f.send(get(path)));
    EXPECT_EQ(answer.status, 500) << path;
    EXPECT_NE(answer.body.find("fault of its own"), std::string::npos);
  }
  EXPECT_EQ(parsed(f.send(get("/hello"))).status, 200);
  EXPECT_EQ(f.send(get("/throws-late")).find("0\r\n\r\n"), std::string::npos);
  EXPECT_TRUE(f.wire->is_closed);
}

TEST(Requests, RefusalsHaveTheShapeTheOwnerGivesThem) {
  ServerOptions options;
  options.render_refusal = [](const Refusal& refusal) {
    return json_response(0, "{\"status\":" + std::to_string(refusal.status) + ",\"path\":\"" +
                                (refusal.request ? refusal.request->path : "") + "\"}");
  };
  EchoSite f(std::move(options));
  const HttpAnswer missing = parsed(f.send(get("/missing")));
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, "{\"status\":404,\"path\":\"/missing\"}");
  EXPECT_EQ(parsed(f.send("\x01\r\n\r\n")).body, "{\"status\":400,\"path\":\"\"}");
}

TEST(Requests, TheOwnerRefusesByHeadersAlone) {
  ServerOptions options;
  options.admit = [](const Request& request) -> std::optional<Response> {
    if (request.headers.find("Authorization") != nullptr) return std::nullopt;
    return text_response(401, "who are you?");
  };
  EchoSite f(std::move(options));
  EXPECT_EQ(parsed(f.send(post("/echo", "Content-Length: 3\r\n", "abc"))).status, 401);
  EXPECT_EQ(f.handled, 0);
  EXPECT_EQ(parsed(f.send(post("/echo", "Content-Length: 3\r\nAuthorization: me\r\n", "abc"))).body,
            "abc");
  EXPECT_EQ(parsed(f.send(post("/echo", "Content-Length: 1000000\r\n"))).status, 401);
  EXPECT_TRUE(f.wire->is_shut);
}

TEST(Requests, AllowedOriginsAreToldSo) {
  EchoSite f({.cors = {.origins = {"https://a.example"}}});
  EXPECT_EQ(parsed(f.send(get("/hello", "Origin: https://a.example\r\n")))
                .field("access-control-allow-origin"),
            "https://a.example");
  EXPECT_EQ(parsed(f.send(get("/missing", "Origin: https://a.example\r\n")))
                .field("access-control-allow-origin"),
            "https://a.example");
  EXPECT_EQ(parsed(f.send(get("/hello", "Origin: https://b.example\r\n")))
                .field("access-control-allow-origin"),
            "");
}

TEST(Requests, IdsOfTheClientComeBackWhenTheyAreSane) {
  EchoSite f;
  EXPECT_EQ(parsed(f.send(get("/hello", "X-Request-Id: abc-1\r\n"))).field("x-request-id"),
            "abc-1");
  const std::string made =
      parsed(f.send(get("/hello", "X-Request-Id: <b>\r\n"))).field("x-request-id");
  EXPECT_TRUE(made.starts_with("00000001-")) << made;
  EXPECT_NE(parsed(f.send(get("/hello"))).field("x-request-id"), made);
  EXPECT_NE(parsed(f.send("\x01\r\n\r\n")).field("x-request-id"), "");
}

}  // namespace
}  // namespace verge::http
