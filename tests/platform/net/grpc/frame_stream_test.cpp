#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include <verge/platform/net/grpc/frame_stream.hpp>

#include "eventually.hpp"
#include "test_messages.hpp"

namespace verge::net {
namespace {

using Lane = Channel::Lane;
using test::text_message;

// Carries frames where the test takes them.
class HandCarrier : public FrameStream {
 public:
  explicit HandCarrier(const StreamLimits& limits = {}, bool begins = true)
      : FrameStream(limits, "peer") {
    if (begins) begin();
  }

  using FrameStream::begin;
  using FrameStream::has_ended;

  /// The frame that is being written is on its way, and what it brings.
  std::string carry() {
    if (writing == nullptr) return "nothing";
    const wire::Frame frame = *std::exchange(writing, nullptr);
    was_written(true);
    if (frame.has_hello()) return "hello";
    if (frame.is_last()) return "last" + frame.payload();
    const auto message = parse_message(frame.payload());
    return message ? message->body : message.error().message;
  }
  void bring(const wire::Frame& frame) {
    ASSERT_NE(reading, nullptr);
    *std::exchange(reading, nullptr) = frame;
    was_read(true);
  }
  void bring_message(const std::string& body) {
    bring(message_frame(++brought, make_payload(text_message(body)).value()));
  }
  void lose() { was_read(false); }

  const wire::Frame* writing = nullptr;
  wire::Frame* reading = nullptr;
  uint64_t brought = 0;
  int hellos = 0, endings = 0, lingers = 0;
  bool has_ended_writing = false;
  std::optional<Error> told;

 private:
  void start_write(const wire::Frame& frame) override { writing = &frame; }
  void start_read(wire::Frame& frame) override { reading = &frame; }
  void end_writing() override { has_ended_writing = true; }
  void end_all(const Error* why) override {
    ++endings;
    if (why != nullptr) told = *why;
  }
  void limit_lingering() override { ++lingers; }
  void on_hello() override { ++hellos; }
};

std::string received(HandCarrier& stream) {
  const auto next = stream.receive(0);
  if (!next) return std::string(name(next.error().code));
  return *next ? (*next)->body : "nothing";
}

TEST(FrameStream, UrgentMessagesOvertakeWhatHasNotLeft) {
  HandCarrier stream;
  for (const char* body : {"a", "b", "c"}) {
    ASSERT_TRUE(stream.send(text_message(body), Lane::Normal).ok());
  }
  EXPECT_EQ(stream.carry(), "hello");
  EXPECT_EQ(stream.carry(), "a");
  ASSERT_TRUE(stream.send(text_message("!"), Lane::Urgent).ok());
  ASSERT_TRUE(stream.send(text_message("!!"), Lane::Urgent).ok());
  EXPECT_EQ(stream.carry(), "b");  // had been given to the carrier
  EXPECT_EQ(stream.carry(), "!");
  EXPECT_EQ(stream.carry(), "!!");
  EXPECT_EQ(stream.carry(), "c");
  EXPECT_EQ(stream.carry(), "nothing");
  EXPECT_EQ(stream.counters().messages_sent, 5);
}

TEST(FrameStream, AFullWindowIsBusyAndNothingGrows) {
  HandCarrier stream({.message_bytes = 10'000, .send_window_bytes = 5'000});
  const Message message = text_message(std::string(1000, 'x'));
  int taken = 0;
  while (stream.send(message, Lane::Normal)) ++taken;
  EXPECT_EQ(taken, 4);
  const int64_t unsent = stream.unsent_bytes();
  EXPECT_LE(unsent, 5'000);
  EXPECT_EQ(stream.send(message, Lane::Normal).error().code, Code::Busy);
  EXPECT_EQ(stream.unsent_bytes(), unsent);
  EXPECT_TRUE(stream.send(message, Lane::Urgent).ok());  // has a window of its own
  stream.carry(), stream.carry(), stream.carry();
  EXPECT_TRUE(stream.send(message, Lane::Normal).ok());
  while (stream.carry() != "nothing") {
  }
  EXPECT_EQ(stream.unsent_bytes(), 0);
  // A lane that is empty takes what is larger than the window.
  EXPECT_TRUE(stream.send(text_message(std::string(9'000, 'x')), Lane::Normal).ok());
  EXPECT_EQ(stream.send(text_message(std::string(10'001, 'x')), Lane::Urgent).error().code,
            Code::InvalidArgument);
}

TEST(FrameStream, EmptyMessagesFillAWindowToo) {
  HandCarrier stream({.send_window_bytes = 5'000});
  int taken = 0;
  while (taken < 1000 && stream.send({}, Lane::Normal)) ++taken;
  EXPECT_LT(taken, 100);
}

TEST(FrameStream, ThePeersLimitHoldsFromItsHelloOn) {
  HandCarrier stream;
  EXPECT_TRUE(stream.send(text_message(std::string(600, 'x')), Lane::Normal).ok());
  stream.bring(hello_frame(500));
  EXPECT_EQ(stream.hellos, 1);
  EXPECT_TRUE(stream.wait_for_hello(0).ok());
  EXPECT_EQ(stream.send(text_message(std::string(600, 'x')), Lane::Normal).error().code,
            Code::InvalidArgument);
}

TEST(FrameStream, StopsReadingWhileNobodyReceives) {
  HandCarrier stream({.receive_window_bytes = 3'000});
  stream.bring(hello_frame(1 << 20));
  int brought = 0;
  while (stream.reading != nullptr) {
    stream.bring_message(std::string(1000, static_cast<char>('a' + brought++)));
  }
  EXPECT_EQ(brought, 3);
  EXPECT_EQ(received(stream)[0], 'a');
  ASSERT_NE(stream.reading, nullptr);
  stream.bring_message("next");
  EXPECT_EQ(received(stream)[0], 'b');
  EXPECT_EQ(received(stream)[0], 'c');
  EXPECT_EQ(received(stream), "next");
  EXPECT_EQ(received(stream), "nothing");
}

TEST(FrameStream, WhatCameBeforeABadFrameIsReceived) {
  HandCarrier stream;
  stream.bring(hello_frame(1 << 20));
  stream.bring_message("good");
  stream.bring(message_frame(1, make_payload(text_message("again")).value()));
  EXPECT_EQ(stream.endings, 1);
  ASSERT_TRUE(stream.told.has_value());
  EXPECT_EQ(stream.told->code, Code::Malformed);
  EXPECT_EQ(stream.reading, nullptr);
  EXPECT_EQ(received(stream), "good");
  EXPECT_EQ(received(stream), "malformed");
  EXPECT_EQ(received(stream), "malformed");
  EXPECT_EQ(stream.send(text_message("x"), Lane::Normal).error().code, Code::Malformed);
}

TEST(FrameStream, ALostLinkIsTheCarriersError) {
  HandCarrier stream;
  stream.bring(hello_frame(1 << 20));
  stream.bring_message("last");
  stream.lose();
  EXPECT_EQ(stream.endings, 1);
  stream.has_ended(make_error(Code::Io, "lost"));
  EXPECT_EQ(received(stream), "last");
  EXPECT_EQ(received(stream), "io");
}

TEST(FrameStream, CloseSendsWhatWasTakenThenTheLastFrame) {
  HandCarrier stream;
  ASSERT_TRUE(stream.send(text_message("a"), Lane::Normal).ok());
  stream.close();
  stream.close();
  EXPECT_EQ(stream.send(text_message("b"), Lane::Normal).error().code, Code::Cancelled);
  EXPECT_EQ(received(stream), "cancelled");
  EXPECT_EQ(stream.carry(), "hello");
  EXPECT_EQ(stream.carry(), "a");
  EXPECT_FALSE(stream.has_ended_writing);
  EXPECT_EQ(stream.carry(), "last");
  EXPECT_TRUE(stream.has_ended_writing);
  EXPECT_EQ(stream.lingers, 1);
}

TEST(FrameStream, AClosedOneReadsOnToTheOthersEnd) {
  HandCarrier stream({.receive_window_bytes = 100});
  stream.bring(hello_frame(1 << 20));
  stream.bring_message(std::string(200, 'x'));
  EXPECT_EQ(stream.reading, nullptr);
  stream.close();
  stream.bring_message("nobody wants this");
  stream.bring(last_frame(3));
  EXPECT_NE(stream.reading, nullptr);
  stream.lose();
  EXPECT_EQ(stream.endings, 1);
}

TEST(FrameStream, ThePeersLastFrameIsCancelled) {
  HandCarrier stream;
  stream.bring(hello_frame(1 << 20));
  stream.bring_message("a");
  stream.bring(last_frame(2));
  EXPECT_EQ(stream.endings, 1);
  EXPECT_FALSE(stream.told.has_value());
  EXPECT_EQ(received(stream), "a");
  EXPECT_EQ(received(stream), "cancelled");
}

TEST(FrameStream, TheHelloIsFirstWhateverHappensBefore) {
  HandCarrier stream({}, false);
  stream.end_after_sending(": stopped");
  EXPECT_EQ(stream.carry(), "nothing");
  stream.begin();
  EXPECT_EQ(stream.carry(), "hello");
  EXPECT_EQ(stream.carry(), "last: stopped");
}

TEST(FrameStream, ThePeersLastWordsAreIo) {
  HandCarrier stream;
  stream.bring(hello_frame(1 << 20));
  stream.bring(last_frame(1, "the node was\nstopped"));
  const auto next = stream.receive(0);
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().code, Code::Io);
  EXPECT_NE(next.error().message.find("the node was?stopped"), std::string::npos);
}

TEST(FrameStream, LastWordsComeAfterWhatWasTaken) {
  HandCarrier stream;
  ASSERT_TRUE(stream.send(text_message("a"), Lane::Normal).ok());
  stream.end_after_sending(": stopped");
  EXPECT_EQ(received(stream), "io");
  EXPECT_FALSE(stream.has_ended_writing);
  EXPECT_EQ(stream.carry(), "hello");
  EXPECT_EQ(stream.carry(), "a");
  EXPECT_EQ(stream.carry(), "last: stopped");
  EXPECT_TRUE(stream.has_ended_writing);
}

TEST(FrameStream, CloseFromAnotherThreadWakesReceive) {
  HandCarrier stream;
  std::atomic<bool> has_begun = false;
  std::optional<Code> seen;
  std::thread waiting([&] {
    has_begun = true;
    const auto next = stream.receive(1e9);
    if (!next) seen = next.error().code;
  });
  EXPECT_TRUE(test::eventually([&] { return has_begun.load(); }));
  stream.close();
  waiting.join();
  EXPECT_EQ(seen, Code::Cancelled);
}

}  // namespace
}  // namespace verge::net
