// Who gets a place, who makes room, and how a loop ends.

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "manual_clock.hpp"
#include "memory_transport.hpp"

namespace verge::http {
namespace {

using test::ManualClock;
using test::MemorySite;
using test::MemoryWire;

const std::string kLater = "GET /later HTTP/1.1\r\nHost: h\r\n\r\n";

struct CrowdedSite {
  ManualClock clock;
  std::vector<ResponseWriter> writers;
  MemorySite memory;

  explicit CrowdedSite(int most, int most_an_address = 0)
      : memory(routes(), options(most_an_address), clock, most) {}

  static ServerOptions options(int most_an_address) {
    ServerOptions result;
    result.limits.max_connections_per_address = most_an_address;
    return result;
  }

  Router routes() {
    Router router;
    router.add("GET", "/later",
               [this](Request, ResponseWriter writer) { writers.push_back(std::move(writer)); });
    return router;
  }
};

TEST(Loop, TheConnectionThatWaitsLongestMakesRoom) {
  CrowdedSite f(3);
  const auto serving = f.memory.connect();
  f.memory.send(*serving, kLater);
  const auto silent = f.memory.connect();
  const auto partial = f.memory.connect();
  f.memory.send(*partial, "GET /la");
  const auto next = f.memory.connect();
  EXPECT_TRUE(silent->is_closed);
  EXPECT_FALSE(serving->is_closed);
  EXPECT_FALSE(partial->is_closed);
  f.memory.send(*next, kLater);
  EXPECT_EQ(f.writers.size(), 2u);
  const auto last = f.memory.connect();
  EXPECT_TRUE(partial->is_closed);
  EXPECT_FALSE(next->is_closed);
}

TEST(Loop, ARequestPutsAConnectionAtTheEndOfTheQueue) {
  CrowdedSite f(2);
  const auto first = f.memory.connect();
  const auto second = f.memory.connect();
  f.memory.send(*first, kLater);
  f.writers.back().respond(text_response(200, ""));
  f.memory.pump(*first);
  const auto third = f.memory.connect();
  EXPECT_TRUE(second->is_closed);
  EXPECT_FALSE(first->is_closed);
}

TEST(Loop, WithoutRoomTheNextIsRefused) {
  CrowdedSite f(1);
  const auto serving = f.memory.connect();
  f.memory.send(*serving, kLater);
  const auto refused = f.memory.connect();
  EXPECT_TRUE(refused->from_server.starts_with("HTTP/1.1 503 "));
  EXPECT_NE(refused->from_server.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_TRUE(refused->is_shut);
  EXPECT_TRUE(f.memory.connect("", true)->is_closed) << "no handshake for the sake of a refusal";
  refused->client_has_ended = true;
  f.memory.pump(*refused);
  EXPECT_TRUE(refused->is_closed);
  EXPECT_EQ(f.memory.site.seats.taken(), 1);
}

TEST(Loop, RefusalsTakeNoSeats) {
  CrowdedSite f(1);
  const auto serving = f.memory.connect();
  f.memory.send(*serving, kLater);
  const auto refused = f.memory.connect();
  EXPECT_FALSE(refused->is_closed) << "its client may still be reading";
  EXPECT_EQ(f.memory.site.seats.taken(), 1);
  serving->is_broken = true;
  f.memory.pump(*serving);
  EXPECT_EQ(f.memory.connect()->from_server, "") << "there is room again";
}

TEST(Loop, NobodyIsClosedInTheMiddleOfAnAnswer) {
  CrowdedSite f(1);
  const auto reading = f.memory.connect();
  f.memory.send(*reading, kLater);
  reading->takes_bytes = false;
  f.writers.back().respond(text_response(200, "slowly"));
  f.memory.pump(*reading);
  EXPECT_TRUE(f.memory.connect()->from_server.starts_with("HTTP/1.1 503 "));
  EXPECT_FALSE(reading->is_closed);
  reading->takes_bytes = true;
  f.memory.pump(*reading);
  EXPECT_EQ(f.memory.connect()->from_server, "");
  EXPECT_TRUE(reading->is_closed) << "now it waits";
}

TEST(Loop, RefusalsAreBoundedThemselves) {
  CrowdedSite f(1);
  const auto serving = f.memory.connect();
  f.memory.send(*serving, kLater);
  std::vector<std::shared_ptr<MemoryWire>> crowd;
  for (int i = 0; i < 1000; ++i) crowd.push_back(f.memory.connect());
  EXPECT_LE(f.memory.site.seats.taken(), 100);
  EXPECT_FALSE(serving->is_closed);
  f.clock.advance(3);
  f.memory.loop.tick();
  for (const auto& wire : crowd) f.memory.pump(*wire);
  EXPECT_EQ(f.memory.site.seats.taken(), 1);
}

TEST(Loop, OneAddressHasItsShare) {
  CrowdedSite f(100, 2);
  const auto a = f.memory.connect("a");
  const auto b = f.memory.connect("a");
  EXPECT_TRUE(f.memory.connect("a")->from_server.starts_with("HTTP/1.1 429 "));
  EXPECT_EQ(f.memory.connect("b")->from_server, "");
  EXPECT_FALSE(a->is_closed || b->is_closed) << "nobody is evicted for it";
}

TEST(Loop, DrainClosesWhatWaitsAndEndsWithTheLastAnswer) {
  CrowdedSite f(10);
  const auto idle = f.memory.connect();
  const auto partial = f.memory.connect();
  f.memory.send(*partial, "GET /la");
  const auto serving = f.memory.connect();
  f.memory.send(*serving, kLater);
  f.memory.site.is_draining = true;
  int quiet = 0;
  f.memory.loop.drain(f.clock.seconds() + 30, [&] { ++quiet; });
  EXPECT_TRUE(idle->is_closed);
  EXPECT_FALSE(serving->is_closed || partial->is_closed);
  f.memory.send(*partial, kLater.substr(7));
  ASSERT_EQ(f.writers.size(), 2u);
  for (ResponseWriter& writer : f.writers) writer.respond(text_response(200, "bye"));
  for (const auto& wire : {partial, serving}) {
    f.memory.pump(*wire);
    EXPECT_NE(wire->from_server.find("Connection: close"), std::string::npos);
    wire->client_has_ended = true;
    f.memory.pump(*wire);
    EXPECT_TRUE(wire->is_closed);
  }
  f.memory.loop.poll();
  EXPECT_EQ(quiet, 1);
  const auto late = f.memory.connect();
  EXPECT_TRUE(late->reading) << "adopted until it finishes";
  f.memory.loop.finish();
  EXPECT_TRUE(late->is_closed);
  EXPECT_FALSE(f.memory.connect()->reading) << "nothing is adopted any more";
}

TEST(Loop, TheDeadlineOfADrainCuts) {
  CrowdedSite f(10);
  const auto serving = f.memory.connect();
  f.memory.send(*serving, kLater);
  std::optional<CloseReason> reason;
  f.writers.back().on_close([&](CloseReason why) { reason = why; });
  f.memory.loop.drain(f.clock.seconds() + 30, [] {});
  f.clock.advance(29);
  f.memory.tick(*serving);
  EXPECT_EQ(reason, std::nullopt);
  f.clock.advance(1);
  f.memory.tick(*serving);
  EXPECT_EQ(reason, CloseReason::Stopped);
}

TEST(Loop, TasksOfOtherThreadsRunOnIt) {
  CrowdedSite f(10);
  std::thread::id ran;
  std::thread other([&] { f.memory.loop.post([&] { ran = std::this_thread::get_id(); }); });
  other.join();
  f.memory.loop.poll();
  EXPECT_EQ(ran, std::this_thread::get_id());
}

TEST(Loop, ItsEndCutsWhatIsLeft) {
  std::optional<CloseReason> reason;
  {
    CrowdedSite f(10);
    const auto wire = f.memory.connect();
    f.memory.send(*wire, kLater);
    f.writers.back().on_close([&](CloseReason why) { reason = why; });
  }
  EXPECT_EQ(reason, CloseReason::Stopped);
}

}  // namespace
}  // namespace verge::http
