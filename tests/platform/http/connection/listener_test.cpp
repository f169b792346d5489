// Crowds at a real listening socket: what they may take, and that others are served meanwhile.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <verge/platform/http/server.hpp>

#include "http_client.hpp"
#include "manual_clock.hpp"
#include "test_server.hpp"

namespace verge::http {
namespace {

using test::eventually;
using test::HttpClient;
using test::ManualClock;
using test::TestServer;

// Both ends of every connection are in this process.
bool can_open(rlim_t files) {
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= files) return true;
  limit.rlim_cur = std::min<rlim_t>(files, limit.rlim_max);
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= files;
}

Router hello() {
  Router router;
  router.add("GET", "/hello",
             [](Request, ResponseWriter writer) { writer.respond(text_response(200, "hello")); });
  return router;
}

TEST(Listener, HalfOpenCrowdsDoNotKeepOthersOut) {
  if (!can_open(5000)) GTEST_SKIP() << "this process may not open 5000 files";
  const ManualClock clock;
  TestServer server(hello(), {.limits = {.max_connections = 500}, .threads = 2}, clock);
  std::vector<HttpClient> crowd;
  for (int i = 0; i < 2000; ++i) {
    crowd.emplace_back(server.port());
    if (i % 2 == 0) crowd.back().send("GET /hello HTTP/1.1\r\nHo");
    if (i % 100 != 0) continue;
    HttpClient client(server.port());
    EXPECT_EQ(client.get("/hello").body, "hello") << i;
  }
  EXPECT_TRUE(eventually([&] { return server.server().connections() <= 500; }));
}

TEST(Listener, WhatWaitsOnAnotherThreadMakesRoom) {
  const ManualClock clock;
  TestServer server(hello(), {.limits = {.max_connections = 1}, .threads = 2}, clock);
  std::optional<HttpClient> before;
  for (int i = 0; i < 4; ++i) {
    std::optional<HttpClient>
        client;  // the one before makes room once its thread knows all is sent
    EXPECT_TRUE(eventually([&] {
      client.emplace(server.port());
      return client->get("/hello").body == "hello";
    })) << i;
    if (before) {
      EXPECT_TRUE(before->is_closed()) << i;
    }
    before.emplace(std::move(*client));
  }
}

TEST(Listener, AFullServerSaysSo) {
  const ManualClock clock;
  std::mutex mutex;
  std::vector<ResponseWriter> writers;
  Router router = hello();
  router.add("GET", "/later", [&](Request, ResponseWriter writer) {
    const std::lock_guard lock(mutex);
    writers.push_back(std::move(writer));
  });
  TestServer server(std::move(router), {.limits = {.max_connections = 2}}, clock);
  std::vector<HttpClient> busy;
  for (int i = 0; i < 2; ++i) {
    busy.emplace_back(server.port());
    busy.back().send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return writers.size() == 2;
  }));
  HttpClient refused(server.port());
  const test::HttpAnswer answer = refused.get("/hello");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.field("retry-after"), "1");
  EXPECT_TRUE(refused.is_closed());
  writers.clear();
  EXPECT_EQ(busy[0].answer().status, 500);
  busy.clear();
  EXPECT_TRUE(eventually([&] { return HttpClient(server.port()).get("/hello").status == 200; }));
}

TEST(Listener, OneAddressHasItsShare) {
  const ManualClock clock;
  TestServer server(hello(), {.limits = {.max_connections_per_address = 2}}, clock);
  HttpClient one(server.port()), two(server.port());
  EXPECT_EQ(one.get("/hello").status, 200);
  EXPECT_EQ(two.get("/hello").status, 200);
  EXPECT_EQ(HttpClient(server.port()).get("/hello").status, 429);
  one.close();
  EXPECT_TRUE(eventually([&] { return HttpClient(server.port()).get("/hello").status == 200; }));
}

TEST(Listener, TwoThousandStreamsAllReceive) {
  constexpr size_t kStreams = 2000;
  if (!can_open(2 * kStreams + 200)) GTEST_SKIP() << "this process may not open 4200 files";
  const ManualClock clock;
  std::mutex mutex;
  std::vector<ResponseWriter> writers;
  Router router = hello();
  router.add("GET", "/events", [&](Request, ResponseWriter writer) {
    writer.start({.content_type = "text/event-stream"});
    const std::lock_guard lock(mutex);
    writers.push_back(std::move(writer));
  });
  TestServer server(std::move(router), {.threads = 2}, clock);
  std::vector<HttpClient> clients;
  for (size_t i = 0; i < kStreams; ++i) {
    clients.emplace_back(server.port());
    ASSERT_TRUE(clients.back().send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n"));
  }
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return writers.size() == kStreams;
  }));
  for (int round = 0; round < 3; ++round) {
    for (ResponseWriter& writer : writers)
      ASSERT_TRUE(writer.write("data: " + std::to_string(round) + "\n\n"));
  }
  for (ResponseWriter& writer : writers) writer.end();
  for (HttpClient& client : clients) {
    ASSERT_EQ(client.answer().body, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
  }
  EXPECT_EQ(HttpClient(server.port()).get("/hello").body, "hello");
}

TEST(Listener, TheLimitOfOpenFilesBoundsTheConnections) {
  rlimit before = {};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{300, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const ManualClock clock;
  EXPECT_EQ(Server(hello(), {.limits = {.max_connections = 8192}}, clock).max_connections(), 172);
  EXPECT_EQ(Server(hello(), {.limits = {.max_connections = 10}}, clock).max_connections(), 10);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(Listener, WithoutDescriptorsItWaitsForSome) {
  rlimit before = {};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const ManualClock clock;
  TestServer server(hello(), {}, clock);
  std::vector<HttpClient> waiting;
  for (int i = 0; i < 4; ++i) waiting.emplace_back(server.port());
  ASSERT_EQ(waiting[3].get("/hello").status, 200);
  // One descriptor more for the client, none for the server's end.
  HttpClient probe(server.port());
  ASSERT_EQ(probe.get("/hello").status, 200);
  const rlimit none{static_cast<rlim_t>(probe.socket()) + 1, before.rlim_max};
  probe.close();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  HttpClient next(server.port());
  EXPECT_EQ(waiting[0].get("/hello").status, 200) << "others are served";
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(next.get("/hello").status, 200);
}

}  // namespace
}  // namespace verge::http
