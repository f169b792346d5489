// Two ends in one process: order, lanes, window, waking, closing, counters.

#include <atomic>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <verge/platform/net/link/channel_pair.hpp>

#include "eventually.hpp"
#include "link_messages.hpp"

namespace verge::net {
namespace {

using test::body_of_next;
using test::message_of_text;

constexpr double kLongS = 60;

TEST(ChannelPair, MessagesArriveWholeAndInOrder) {
  auto [first, second] = make_channel_pair();
  Message message = message_of_text("0");
  message.tensors = {{"f32", {1, 2}, std::vector<std::byte>(8, std::byte{7})}};
  ASSERT_TRUE(first->send(message));
  ASSERT_TRUE(first->send(message_of_text("1")));
  ASSERT_TRUE(second->send(message_of_text("back")));
  const auto got = second->receive(kLongS);
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->kind, message.kind);
  EXPECT_EQ((*got)->body, "0");
  ASSERT_EQ((*got)->tensors.size(), 1u);
  EXPECT_EQ((*got)->tensors[0].data, message.tensors[0].data);
  EXPECT_EQ(body_of_next(*second), "1");
  EXPECT_EQ(body_of_next(*first), "back");
}

TEST(ChannelPair, UrgentMessagesOvertake) {
  auto [first, second] = make_channel_pair();
  for (const char* body : {"a", "b"}) ASSERT_TRUE(first->send(message_of_text(body)));
  for (const char* body : {"A", "B"}) {
    ASSERT_TRUE(first->send(message_of_text(body), Channel::Lane::Urgent));
  }
  for (const char* body : {"A", "B", "a", "b"}) EXPECT_EQ(body_of_next(*second), body);
}

TEST(ChannelPair, NothingComesWithoutAnError) {
  auto [first, second] = make_channel_pair();
  for (const double timeout_s : {0.0, -1.0, 0.001}) {
    const auto none = second->receive(timeout_s);
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->has_value());
  }
  EXPECT_TRUE(first->send(message_of_text("x")));
  EXPECT_EQ(body_of_next(*second, 0), "x");
}

TEST(ChannelPair, TheWindowOfEachLaneIsBounded) {
  auto [first, second] = make_channel_pair({.send_window_bytes = 1000, .limits = {}});
  const std::string body(300, 'x');
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(first->send(message_of_text(body)));
  EXPECT_EQ(first->unsent_bytes(), 3 * wire_bytes(message_of_text(body)));
  const Status full = first->send(message_of_text(body));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::Busy);
  EXPECT_TRUE(first->send(message_of_text(body), Channel::Lane::Urgent));  // not behind the others
  EXPECT_TRUE(second->send(message_of_text(body)));  // nor in the other direction
  for (int i = 0; i < 2; ++i) EXPECT_EQ(body_of_next(*second), body);
  EXPECT_TRUE(first->send(message_of_text(body)));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(body_of_next(*second), body);
  EXPECT_EQ(first->unsent_bytes(), 0);
  // One alone may be greater than the window.
  EXPECT_TRUE(first->send(message_of_text(std::string(5000, 'y'))));
  EXPECT_EQ(first->send(message_of_text("")).error().code, Code::Busy);
}

TEST(ChannelPair, LimitsAreThoseOfTheWire) {
  auto [first, second] = make_channel_pair({.limits = {.bytes = 100, .tensors = 0}});
  EXPECT_EQ(first->send(message_of_text(std::string(200, 'x'))).error().code,
            Code::InvalidArgument);
  EXPECT_TRUE(first->send(message_of_text("small")));
  EXPECT_EQ(body_of_next(*second), "small");
}

TEST(ChannelPair, CountersCountTheWire) {
  auto [first, second] = make_channel_pair();
  int64_t bytes = 0;
  for (int i = 0; i < 10; ++i) {
    const Message message = message_of_text(std::string(static_cast<size_t>(i) * 50, 'x'));
    bytes += wire_bytes(message);
    ASSERT_TRUE(first->send(message));
  }
  EXPECT_EQ(second->counters().messages_received, 0);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(second->receive(kLongS));
  EXPECT_EQ(first->counters().messages_sent, 10);
  EXPECT_EQ(first->counters().bytes_sent, bytes);
  EXPECT_EQ(second->counters().messages_received, 10);
  EXPECT_EQ(second->counters().bytes_received, bytes);
  EXPECT_EQ(second->counters().bytes_sent, 0);
}

TEST(ChannelPair, AWaitingReceiverIsWoken) {
  auto [first, second] = make_channel_pair();
  std::atomic<int> received{0};
  std::thread receiver([&received, end = second.get()] {
    for (int i = 0; i < 1000; ++i) received += body_of_next(*end) == std::to_string(i) ? 1 : 0;
  });
  for (int i = 0; i < 1000; ++i) {
    const bool is_sent = test::eventually(
        [&, end = first.get()] { return end->send(message_of_text(std::to_string(i))).ok(); });
    EXPECT_TRUE(is_sent);
  }
  receiver.join();
  EXPECT_EQ(received, 1000);
}

TEST(ChannelPair, CloseOfEitherEndWakesBoth) {
  for (const bool closes_own : {true, false}) {
    auto [first, second] = make_channel_pair();
    Code code = Code::Internal;
    std::thread receiver([&code, end = second.get()] {
      const auto none = end->receive(kLongS);
      if (!none) code = none.error().code;
    });
    (closes_own ? second : first)->close();
    receiver.join();
    EXPECT_EQ(code, Code::Cancelled);
    for (Channel* end : {first.get(), second.get()}) {
      EXPECT_EQ(end->send(message_of_text("x")).error().code, Code::Cancelled);
      EXPECT_EQ(end->receive(kLongS).error().code, Code::Cancelled);
      end->close();  // again
    }
  }
}

TEST(ChannelPair, WhatWasSentBeforeClosingIsReceived) {
  auto [first, second] = make_channel_pair();
  ASSERT_TRUE(first->send(message_of_text("last words")));
  ASSERT_TRUE(second->send(message_of_text("not wanted")));
  first.reset();  // closes
  EXPECT_EQ(body_of_next(*second), "last words");
  EXPECT_EQ(second->receive(kLongS).error().code, Code::Cancelled);
  EXPECT_EQ(second->receive(kLongS).error().code, Code::Cancelled);
}

}  // namespace
}  // namespace verge::net
