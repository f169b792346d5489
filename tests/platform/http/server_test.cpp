// A whole server over real sockets, with a client that can send anything.

#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <verge/platform/http/server.hpp>

#include "http_client.hpp"
#include "manual_clock.hpp"
#include "temporary_folder.hpp"
#include "test_server.hpp"

namespace verge::http {
namespace {

using test::eventually;
using test::HttpAnswer;
using test::HttpClient;
using test::ManualClock;
using test::TestServer;

void say_hello(Request, ResponseWriter writer) {
  writer.respond(text_response(200, "hello"));
}

void echo(Request request, ResponseWriter writer) {
  Response response = text_response(200, request.body);
  response.headers.add("X-Target", request.target);
  response.headers.add("X-Peer", request.peer);
  writer.respond(std::move(response));
}

Router hello_and_echo() {
  Router router;
  router.add("GET", "/hello", say_hello);
  router.add("POST", "/echo", echo);
  return router;
}

TEST(Server, AnswersOverOneConnectionAgainAndAgain) {
  const ManualClock clock;
  TestServer server(hello_and_echo(), {}, clock);
  HttpClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    const HttpAnswer answer = client.get("/hello");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.field("server"), "verge");
    EXPECT_NE(answer.field("date"), "");
    EXPECT_NE(answer.field("x-request-id"), "");
    EXPECT_EQ(answer.field("connection"), "");
  }
  client.send("POST /echo?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
  const HttpAnswer answer = client.answer();
  EXPECT_EQ(answer.body, "body");
  EXPECT_EQ(answer.field("x-target"), "/echo?a=b");
  EXPECT_EQ(answer.field("x-peer"), "127.0.0.1");
}

TEST(Server, PipelinedRequestsAreAnsweredInOrder) {
  const ManualClock clock;
  TestServer server(hello_and_echo(), {}, clock);
  HttpClient client(server.port());
  std::string requests;
  constexpr int kRequests = 500;
  for (int i = 0; i < kRequests; ++i) {
    const std::string body = std::to_string(i);
    requests += "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body;
  }
  std::thread sender([&] { client.send(requests); });
  for (int i = 0; i < kRequests; ++i) ASSERT_EQ(client.answer().body, std::to_string(i));
  sender.join();
}

TEST(Server, ARequestInPiecesOfAnyCutIsOneRequest) {
  const ManualClock clock;
  TestServer server(hello_and_echo(), {}, clock);
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n";
  HttpClient client(server.port());
  for (size_t cut = 1; cut < request.size(); ++cut) {
    ASSERT_TRUE(client.send(request.substr(0, cut)));
    std::this_thread::yield();
    ASSERT_TRUE(client.send(request.substr(cut)));
    ASSERT_EQ(client.answer().body, "abcde") << cut;
  }
}

TEST(Server, AnswersLaterFromOtherThreads) {
  const ManualClock clock;
  std::mutex mutex;
  std::vector<ResponseWriter> writers;
  Router router;
  router.add("GET", "/later", [&](Request, ResponseWriter writer) {
    const std::lock_guard lock(mutex);
    writers.push_back(std::move(writer));
  });
  TestServer server(std::move(router), {.threads = 2}, clock);
  std::vector<HttpClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(server.port());
    clients.back().send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return writers.size() == clients.size();
  }));
  for (ResponseWriter& writer : writers) writer.respond(text_response(200, "now"));
  writers.clear();
  for (HttpClient& client : clients) EXPECT_EQ(client.answer().body, "now");
}

TEST(Server, EventsArriveAsTheyAreWritten) {
  const ManualClock clock;
  std::promise<ResponseWriter> promise;
  Router router;
  router.add("GET", "/events", [&](Request, ResponseWriter writer) {
    writer.start({.content_type = "text/event-stream"});
    promise.set_value(std::move(writer));
  });
  TestServer server(std::move(router), {}, clock);
  HttpClient client(server.port());
  client.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  ResponseWriter writer = promise.get_future().get();
  const std::string head = client.until("\r\n\r\n").value_or("");
  EXPECT_NE(head.find("text/event-stream"), std::string::npos);
  EXPECT_NE(head.find("chunked"), std::string::npos);
  EXPECT_TRUE(writer.write("data: one\n\n"));
  EXPECT_EQ(client.until("\n\n\r\n"), "b\r\ndata: one\n\n\r\n");
  EXPECT_TRUE(writer.write("event: note\ndata: two\ndata: lines\n\n"));
  EXPECT_TRUE(client.until("event: note\ndata: two\ndata: lines\n\n\r\n").has_value());
  writer.end();
  EXPECT_TRUE(client.until("0\r\n\r\n").has_value());
  EXPECT_FALSE(writer.write("data: three\n\n"));
  EXPECT_FALSE(writer.is_open());
}

// How a client may leave.
struct Departure {
  const char* name;
  void (*leave)(HttpClient&);
};
const Departure kDepartures[] = {
    {"close", [](HttpClient& client) { client.close(); }},
    {"half-close", [](HttpClient& client) { client.half_close(); }},
    {"reset", [](HttpClient& client) { client.reset(); }},
};

TEST(Server, AWriterHearsThatItsClientWentAway) {
  for (const bool has_started : {false, true}) {
    for (const Departure& departure : kDepartures) {
      const ManualClock clock;
      std::promise<ResponseWriter> promise;
      std::promise<CloseReason> closed;
      Router router;
      router.add("GET", "/events", [&](Request, ResponseWriter writer) {
        if (has_started) writer.start({.content_type = "text/event-stream"});
        writer.on_close([&](CloseReason reason) { closed.set_value(reason); });
        promise.set_value(std::move(writer));
      });
      TestServer server(std::move(router), {}, clock);
      HttpClient client(server.port());
      client.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
      ResponseWriter writer = promise.get_future().get();
      if (has_started) client.until("\r\n\r\n");
      departure.leave(client);
      std::future<CloseReason> reason = closed.get_future();
      ASSERT_EQ(reason.wait_for(std::chrono::minutes(1)), std::future_status::ready)
          << departure.name;
      EXPECT_EQ(reason.get(), CloseReason::ClientGone);
      EXPECT_FALSE(writer.is_open());
      EXPECT_FALSE(writer.write("data: late\n\n"));
      EXPECT_TRUE(eventually([&] { return server.server().connections() == 0; }));
    }
  }
}

TEST(Server, AClientThatStopsReadingIsCutAtTheBuffer) {
  const ManualClock clock;
  std::promise<ResponseWriter> promise;
  std::promise<CloseReason> closed;
  Router router;
  router.add("GET", "/flood", [&](Request, ResponseWriter writer) {
    writer.start({.content_type = "text/plain"});
    writer.on_close([&](CloseReason reason) { closed.set_value(reason); });
    promise.set_value(std::move(writer));
  });
  TestServer server(std::move(router), {.limits = {.stream_buffer_bytes = 100'000}}, clock);
  HttpClient client(server.port());
  client.send("GET /flood HTTP/1.1\r\nHost: h\r\n\r\n");
  ResponseWriter writer = promise.get_future().get();
  const std::string piece(10'000, 'x');
  size_t most = 0;
  while (writer.write(piece)) most = std::max(most, writer.buffered_bytes());
  EXPECT_LE(most, 100'000u);
  EXPECT_GE(most, 90'000u);
  EXPECT_EQ(closed.get_future().get(), CloseReason::TooSlow);
  EXPECT_EQ(client.answer().status, 0) << "the answer must not look whole";
}

TEST(Server, AClientThatTakesNothingIsCutAfterTheWriteTimeout) {
  ManualClock clock;
  std::promise<ResponseWriter> promise;
  std::promise<CloseReason> closed;
  Router router;
  router.add("GET", "/large", [&](Request, ResponseWriter writer) {
    writer.start({.content_type = "text/plain"});
    writer.on_close([&](CloseReason reason) { closed.set_value(reason); });
    writer.write(std::string(64 << 20, 'x'));
    promise.set_value(std::move(writer));
  });
  TestServer server(std::move(router), {}, clock);
  HttpClient client(server.port());
  client.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(client.exactly(1000).has_value());
  std::future<CloseReason> reason = closed.get_future();
  clock.advance(29);
  EXPECT_EQ(reason.wait_for(std::chrono::milliseconds(250)), std::future_status::timeout);
  // The socket's own buffers fill for a while, and each step has its time.
  EXPECT_TRUE(eventually([&] {
    clock.advance(31);
    return reason.wait_for(std::chrono::milliseconds(150)) == std::future_status::ready;
  }));
  EXPECT_EQ(reason.get(), CloseReason::TooSlow);
}

TEST(Server, DrainLetsAnswersEndAndThenTakesNoMore) {
  const ManualClock clock;
  std::promise<ResponseWriter> promise;
  Router router = hello_and_echo();
  router.add("GET", "/events", [&](Request, ResponseWriter writer) {
    writer.start({.content_type = "text/event-stream"});
    promise.set_value(std::move(writer));
  });
  TestServer server(std::move(router), {.threads = 2}, clock);
  HttpClient idle(server.port());
  EXPECT_EQ(idle.get("/hello").status, 200);
  HttpClient streaming(server.port());
  streaming.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  ResponseWriter writer = promise.get_future().get();
  server.server().stop(30);
  EXPECT_TRUE(idle.is_closed());
  for (int i = 0; i < 4; ++i) {  // on both threads
    HttpClient late(server.port());
    EXPECT_EQ(late.get("/hello").field("connection"), "close");
    EXPECT_TRUE(late.is_closed());
  }
  HttpClient silent(server.port());
  EXPECT_TRUE(silent.is_connected());
  EXPECT_TRUE(writer.write("data: last\n\n"));
  writer.end();
  EXPECT_EQ(streaming.answer().body, "data: last\n\n");
  EXPECT_TRUE(streaming.is_closed());
  streaming.close();
  EXPECT_TRUE(silent.is_closed());
  server.stop(30);
  EXPECT_FALSE(HttpClient(server.port()).is_connected());
}

TEST(Server, TheDeadlineOfADrainCutsWhatStillRuns) {
  ManualClock clock;
  std::promise<CloseReason> closed;
  std::promise<ResponseWriter> promise;
  Router router;
  router.add("GET", "/forever", [&](Request, ResponseWriter writer) {
    writer.start({.content_type = "text/event-stream"});
    writer.on_close([&](CloseReason reason) { closed.set_value(reason); });
    promise.set_value(std::move(writer));
  });
  TestServer server(std::move(router), {}, clock);
  HttpClient client(server.port());
  client.send("GET /forever HTTP/1.1\r\nHost: h\r\n\r\n");
  ResponseWriter writer = promise.get_future().get();
  server.server().stop(30);
  EXPECT_TRUE(writer.write("data: still\n\n"));
  clock.advance(31);
  EXPECT_EQ(closed.get_future().get(), CloseReason::Stopped);
  server.stop(30);
  EXPECT_FALSE(writer.write("data: too late\n\n"));
}

TEST(Server, AWriterMayOutliveItsServer) {
  const ManualClock clock;
  std::promise<ResponseWriter> promise;
  std::optional<HttpClient> client;  // leaves after the server
  {
    Router router;
    router.add("GET", "/", [&](Request, ResponseWriter writer) {
      writer.start({.content_type = "text/event-stream"});
      promise.set_value(std::move(writer));
    });
    TestServer server(std::move(router), {}, clock);
    client.emplace(server.port());
    client->send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    client->until("\r\n\r\n");
  }
  ResponseWriter writer = promise.get_future().get();
  EXPECT_FALSE(writer.write("data: hello?\n\n"));
  bool is_told = false;
  writer.on_close([&](CloseReason reason) { is_told = reason == CloseReason::Stopped; });
  EXPECT_TRUE(is_told);
  writer.end();
}

TEST(Server, StopBeforeRunRunsNothing) {
  const ManualClock clock;
  Server server(hello_and_echo(), {}, clock);
  ASSERT_TRUE(server.listen({}).ok());
  server.stop(0);
  EXPECT_TRUE(server.run().ok());
}

TEST(Server, RunNeedsAPlaceToListen) {
  const ManualClock clock;
  Server server(hello_and_echo(), {}, clock);
  EXPECT_EQ(server.run().error().code, Code::InvalidArgument);
}

TEST(Server, EndpointsNameWhereClientsGo) {
  const ManualClock clock;
  const test::TemporaryFolder folder;
  Server server(hello_and_echo(), {}, clock);
  const Result<Endpoint> inet = server.listen({.host = "127.0.0.1"});
  ASSERT_TRUE(inet.ok());
  EXPECT_EQ(inet->url, "http://127.0.0.1:" + std::to_string(inet->port));
  const Result<Endpoint> local = server.listen({.unix_path = folder / "s"});
  ASSERT_TRUE(local.ok());
  EXPECT_EQ(local->url, "unix:" + (folder / "s"));
}

TEST(Server, LocalSocketsServeAndLeaveNothingBehind) {
  const ManualClock clock;
  const test::TemporaryFolder folder;
  const std::string path = folder / "verge.sock";
  {
    TestServer server(hello_and_echo(), {}, clock, {.unix_path = path});
    HttpClient client(path);
    client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
    const HttpAnswer answer = client.answer();
    EXPECT_EQ(answer.body, "x");
    EXPECT_EQ(answer.field("x-peer"), "unix");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Server, TheAccessLogHasEveryAnswer) {
  const ManualClock clock;
  std::mutex mutex;
  std::vector<std::string> lines;
  ServerOptions options;
  options.on_access = [&](const AccessRecord& record) {
    const std::lock_guard lock(mutex);
    lines.push_back(std::string(record.method) + " " + std::string(record.target) + " " +
                    std::to_string(record.status) + " " + std::to_string(record.request_bytes) +
                    " " + std::string(record.id) + std::string(record.cut));
  };
  {
    TestServer server(hello_and_echo(), std::move(options), clock);
    HttpClient client(server.port());
    client.get("/hello", "X-Request-Id: mine\r\n");
    client.get("/missing", "X-Request-Id: other\r\n");
    client.send("POST /echo HTTP/1.1\r\nHost: h\r\nX-Request-Id: 3\r\nContent-Length: 2\r\n\r\nxy");
    EXPECT_EQ(client.answer().field("x-request-id"), "3");
    client.close();
    server.stop(5);
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"GET /hello 200 0 mine", "GET /missing 404 0 other",
                                             "POST /echo 200 2 3"}));
}

}  // namespace
}  // namespace verge::http
