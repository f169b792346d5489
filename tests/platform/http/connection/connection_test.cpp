// Deadlines, ends and cuts of one connection, over memory and with a clock moved by hand.

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "http_client.hpp"
#include "manual_clock.hpp"
#include "memory_transport.hpp"

namespace verge::http {
namespace {

using test::ManualClock;
using test::MemorySite;
using test::MemoryWire;

const std::string kGet = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kPost = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n";

struct TimedSite {
  ManualClock clock;
  std::optional<ResponseWriter> writer;
  std::optional<CloseReason> closed;
  std::vector<std::string> log;
  MemorySite memory;

  explicit TimedSite(Limits limits = {}) : memory(routes(), options(limits), clock) {}

  Router routes() {
    Router router;
    router.add("GET", "/hello",
               [](Request, ResponseWriter answer) { answer.respond(text_response(200, "hello")); });
    router.add("POST", "/echo", [](Request request, ResponseWriter answer) {
      answer.respond(text_response(200, request.body));
    });
    router.add("GET", "/later", [this](Request, ResponseWriter answer) {
      answer.on_close([this](CloseReason reason) { closed = reason; });
      writer = std::move(answer);
    });
    return router;
  }

  ServerOptions options(const Limits& limits) {
    ServerOptions result;
    result.limits = limits;
    result.on_access = [this](const AccessRecord& record) {
      log.push_back(std::to_string(record.status) + " " + std::string(record.cut));
    };
    return result;
  }

  void later(MemoryWire& wire) {
    memory.send(wire, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_TRUE(writer.has_value());
  }

  void pass(MemoryWire& wire, double seconds) {
    clock.advance(seconds);
    memory.tick(wire);
  }
};

int status_of(const MemoryWire& wire) {
  return wire.from_server.empty() ? 0 : std::stoi(wire.from_server.substr(9, 3));
}

TEST(Connection, AClientThatSaysNothingIsClosedInSilence) {
  TimedSite f;
  const auto wire = f.memory.connect();
  f.pass(*wire, 9);
  EXPECT_FALSE(wire->is_closed);
  f.pass(*wire, 2);
  EXPECT_TRUE(wire->is_closed);
  EXPECT_EQ(wire->from_server, "");
  EXPECT_EQ(f.memory.site.seats.taken(), 0);
}

TEST(Connection, ASlowHeaderIsRefusedHoweverItTrickles) {
  TimedSite f;
  const auto wire = f.memory.connect();
  for (const char c : kGet.substr(0, kGet.size() - 1)) {
    f.memory.send(*wire, std::string(1, c));
    f.pass(*wire, 0.5);
  }
  EXPECT_EQ(status_of(*wire), 408);
  EXPECT_NE(wire->from_server.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(wire->is_shut);
}

TEST(Connection, ASlowBodyIsRefused) {
  TimedSite f;
  const auto wire = f.memory.connect();
  f.memory.send(*wire, kPost + "ab");
  f.pass(*wire, 59);
  EXPECT_EQ(status_of(*wire), 0);
  f.pass(*wire, 2);
  EXPECT_EQ(status_of(*wire), 408);
}

TEST(Connection, TheTimeOfASecondRequestBeginsWithItsFirstByte) {
  TimedSite f;
  const auto wire = f.memory.connect();
  f.memory.send(*wire, kGet);
  f.pass(*wire, 70);
  EXPECT_FALSE(wire->is_closed) << "idle for less than the idle timeout";
  f.memory.send(*wire, "G");
  f.pass(*wire, 9);
  f.memory.send(*wire, kGet.substr(1));
  EXPECT_EQ(f.log, (std::vector<std::string>{"200 ", "200 "}));
  f.pass(*wire, 76);
  EXPECT_TRUE(wire->is_closed);
}

TEST(Connection, AHandlerMayTakeItsTime) {
  TimedSite f;
  const auto wire = f.memory.connect();
  f.later(*wire);
  f.pass(*wire, 100'000);
  EXPECT_FALSE(wire->is_closed);
  f.writer->respond(text_response(200, "at last"));
  f.memory.pump(*wire);
  EXPECT_EQ(status_of(*wire), 200);
}

TEST(Connection, EndAndResetCutTheRunningAnswer) {
  for (const bool is_reset : {false, true}) {
    TimedSite f;
    const auto wire = f.memory.connect();
    f.later(*wire);
    (is_reset ? wire->is_broken : wire->client_has_ended) = true;
    f.memory.pump(*wire);
    EXPECT_EQ(f.closed, CloseReason::ClientGone);
    EXPECT_TRUE(wire->is_closed);
    EXPECT_FALSE(f.writer->is_open());
    EXPECT_EQ(f.log, std::vector<std::string>{"0 client_gone"});
    EXPECT_EQ(f.memory.site.seats.taken(), 0);
  }
}

TEST(Connection, RequestsBeforeAHalfCloseAreAnswered) {
  TimedSite f;
  const auto wire = f.memory.connect();
  wire->client_has_ended = true;
  f.memory.send(*wire, kGet + kGet + "GET /hel");
  EXPECT_EQ(f.log.size(), 2u);
  EXPECT_TRUE(wire->is_closed);
}

TEST(Connection, AClientThatTakesNothingIsCut) {
  TimedSite f;
  const auto wire = f.memory.connect();
  f.later(*wire);
  wire->takes_bytes = false;
  f.writer->start({.content_type = "text/event-stream"});
  f.writer->write("data: x\n\n");
  f.memory.pump(*wire);
  f.pass(*wire, 29);
  EXPECT_EQ(f.closed, std::nullopt);
  f.pass(*wire, 2);
  EXPECT_EQ(f.closed, CloseReason::TooSlow);
  EXPECT_TRUE(wire->is_closed);
}

TEST(Connection, AStreamBeyondItsBufferIsCut) {
  TimedSite f({.stream_buffer_bytes = 1000});
  const auto wire = f.memory.connect();
  f.later(*wire);
  f.writer->start({});
  f.memory.pump(*wire);
  wire->takes_bytes = false;
  EXPECT_TRUE(f.writer->write(std::string(900, 'x')));
  f.memory.pump(*wire);
  EXPECT_FALSE(f.writer->write(std::string(900, 'x')));
  f.memory.pump(*wire);
  EXPECT_EQ(f.closed, CloseReason::TooSlow);
  EXPECT_EQ(f.log, std::vector<std::string>{"200 too_slow"});
}

TEST(Connection, AStreamThatIsTakenGoesOnForEver) {
  TimedSite f({.stream_buffer_bytes = 1000});
  const auto wire = f.memory.connect();
  f.later(*wire);
  f.writer->start({});
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(f.writer->write(std::string(900, 'x')));
    f.pass(*wire, 20);
  }
  f.writer->end();
  f.memory.pump(*wire);
  EXPECT_TRUE(wire->from_server.ends_with("0\r\n\r\n"));
  EXPECT_FALSE(wire->is_closed);
}

TEST(Connection, AnAbortedStreamDoesNotLookWhole) {
  TimedSite f;
  const auto wire = f.memory.connect();
  f.later(*wire);
  f.writer->start({});
  f.writer->write("half");
  f.writer.reset();
  f.memory.pump(*wire);
  EXPECT_TRUE(wire->is_closed);
  EXPECT_EQ(wire->from_server.find("0\r\n\r\n"), std::string::npos);
  EXPECT_EQ(f.closed, std::nullopt) << "the writer did it";
  EXPECT_EQ(f.log, std::vector<std::string>{"200 aborted"});
}

TEST(Connection, TheLastAnswerIsNotThrownAway) {
  TimedSite f;
  const auto wire = f.memory.connect();
  f.memory.send(*wire, "GARBAGE\r\n\r\n");
  EXPECT_EQ(status_of(*wire), 400);
  EXPECT_TRUE(wire->is_shut);
  EXPECT_FALSE(wire->is_closed) << "the client may still be sending";
  f.memory.send(*wire, std::string(100'000, 'x'));
  EXPECT_EQ(wire->to_server, "");
  f.pass(*wire, 3);
  EXPECT_TRUE(wire->is_closed);
}

TEST(Connection, AHandshakeHasItsTime) {
  TimedSite f;
  auto wire = std::make_shared<MemoryWire>();
  f.memory.loop.adopt(std::make_unique<test::MemoryTransport>(wire), {"a", true},
                      f.memory.site.seats.take("a"));
  f.clock.advance(11);
  f.memory.loop.tick();
  EXPECT_TRUE(wire->is_closed);
  f.memory.pump(*wire);
}

TEST(Connection, RequestsAheadOfTimeAreHeldInBounds) {
  TimedSite f;
  const auto wire = f.memory.connect();
  f.later(*wire);
  std::string ahead;
  for (int i = 0; i < 10'000; ++i) ahead += kGet;
  f.memory.send(*wire, ahead);
  EXPECT_GT(wire->to_server.size(), ahead.size() - 64 * 1024);
  f.writer->respond(text_response(200, ""));
  f.memory.pump(*wire);
  EXPECT_EQ(f.log.size(), 10'001u);
}

}  // namespace
}  // namespace verge::http
