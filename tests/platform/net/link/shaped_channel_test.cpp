// The link in real time: lower bounds of times, order and completeness; and with a clock that
// stands still, what is on its way and what is not.

#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <verge/platform/net/link/channel_pair.hpp>
#include <verge/platform/net/link/shaped_channel.hpp>

#include "eventually.hpp"
#include "link_messages.hpp"
#include "manual_clock.hpp"

namespace verge::net {
namespace {

using test::body_of_next;
using test::message_of_text;

constexpr double kVeryLongS = 60;

LinkModel link_of(double bandwidth_bps, double delay_s) {
  auto model = LinkModel::make({.trace = constant_link(bandwidth_bps, delay_s)});
  return std::move(model).value();
}

// A shaped end, and the plain other one.
struct ShapedPair {
  ShapedPair(const Clock& clock, LinkModel link, const PairOptions& options = {},
             int64_t window_bytes = ShapedChannel::kSendWindowBytes)
      : ends(make_channel_pair(options)),
        shaped(std::move(ends.first), std::move(link), clock, window_bytes),
        plain(*ends.second) {}

  // Lets the thread look at a clock that was moved.
  void look() {
    shaped.cut();
    shaped.mend();
  }

  ChannelPair ends;
  ShapedChannel shaped;
  Channel& plain;
};

TEST(ShapedChannel, NothingArrivesBeforeItsTime) {
  const SystemClock clock;
  ShapedPair pair(clock, link_of(8e6, 0.02));
  LinkModel same = link_of(8e6, 0.02);
  const double start_s = clock.seconds();
  std::vector<double> arrivals;
  for (int i = 0; i < 10; ++i) {
    const Message message = message_of_text(std::to_string(i) + std::string(5000, 'x'));
    arrivals.push_back(same.arrival(0, wire_bytes(message)));
    ASSERT_TRUE(pair.shaped.send(message));
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(body_of_next(pair.plain)[0], '0' + i);
    EXPECT_GE(clock.seconds() - start_s, arrivals[static_cast<size_t>(i)]) << i;
  }
  EXPECT_NEAR(arrivals.back(), 0.07, 0.001);
}

TEST(ShapedChannel, BothDirectionsAreShapedByWrappingBothEnds) {
  const SystemClock clock;
  auto [first, second] = make_channel_pair();
  ShapedChannel edge(std::move(first), link_of(8e6, 0.01), clock);
  ShapedChannel cloud(std::move(second), link_of(8e6, 0.02), clock);
  std::thread answering([&cloud] {
    for (int i = 0; i < 5; ++i) {
      const std::string body = body_of_next(cloud);
      EXPECT_TRUE(cloud.send(message_of_text(body + "!"), Channel::Lane::Normal));
    }
  });
  for (int i = 0; i < 5; ++i) {
    const double start_s = clock.seconds();
    ASSERT_TRUE(edge.send(message_of_text(std::to_string(i)), Channel::Lane::Normal));
    EXPECT_EQ(body_of_next(edge), std::to_string(i) + "!");
    EXPECT_GE(clock.seconds() - start_s, 0.03);
  }
  answering.join();
  EXPECT_EQ(edge.counters().messages_sent, 5);
  EXPECT_EQ(edge.counters().messages_received, 5);
  EXPECT_EQ(edge.counters().bytes_sent, cloud.counters().bytes_received);
}

TEST(ShapedChannel, UrgentMessagesOvertakeWhatHasNotLeft) {
  test::ManualClock clock;
  ShapedPair pair(clock, link_of(8000, 0));  // 1000 B/s
  for (const char* body : {"a", "b", "c"}) ASSERT_TRUE(pair.shaped.send(message_of_text(body)));
  ASSERT_TRUE(pair.shaped.send(message_of_text("A"), Channel::Lane::Urgent));
  clock.advance(3600);
  ASSERT_TRUE(
      pair.shaped.send(message_of_text("B"), Channel::Lane::Urgent));  // all others have left
  for (const char* body : {"a", "A", "b", "c"}) EXPECT_EQ(body_of_next(pair.plain), body);
  clock.advance(3600);
  pair.look();
  EXPECT_EQ(body_of_next(pair.plain), "B");
}

TEST(ShapedChannel, TheWindowIsOfWhatHasNotLeft) {
  test::ManualClock clock;
  const Message message = message_of_text(std::string(300, 'x'));
  const int64_t size = wire_bytes(message);
  ShapedPair pair(clock, link_of(8.0 * static_cast<double>(size), 1000), {}, 1000);  // one a second
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pair.shaped.send(message));
  EXPECT_EQ(pair.shaped.unsent_bytes(), 3 * size);
  EXPECT_EQ(pair.shaped.send(message, Channel::Lane::Normal).error().code, Code::Busy);
  EXPECT_TRUE(pair.shaped.send(message_of_text("u"), Channel::Lane::Urgent));
  clock.advance(1.5);  // one has left, the urgent one too, the second is leaving
  EXPECT_TRUE(test::eventually([&] {
    pair.look();
    return pair.shaped.unsent_bytes() == 2 * size;
  }));
  EXPECT_TRUE(pair.shaped.send(message));
  clock.advance(100);
  EXPECT_TRUE(test::eventually([&] {
    pair.look();
    return pair.shaped.unsent_bytes() == 0;
  }));
  EXPECT_EQ(pair.shaped.counters().messages_sent, 0);  // all are on their way
  clock.advance(1000);
  pair.look();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(pair.plain.receive(kVeryLongS).ok());
  EXPECT_EQ(pair.plain.counters().messages_received, 5);
}

TEST(ShapedChannel, ACutHoldsEverythingUntilMended) {
  test::ManualClock clock;
  ShapedPair pair(clock, link_of(8e6, 1));
  ASSERT_TRUE(pair.shaped.send(message_of_text("on its way")));
  pair.shaped.cut();
  ASSERT_TRUE(pair.shaped.send(message_of_text("not yet")));
  clock.advance(10);
  EXPECT_EQ(body_of_next(pair.plain, 0.02), "(nothing)");
  pair.shaped.mend();  // a second is still to go
  EXPECT_EQ(body_of_next(pair.plain, 0.02), "(nothing)");
  clock.advance(1.1);
  pair.look();
  EXPECT_EQ(body_of_next(pair.plain), "on its way");
  EXPECT_EQ(body_of_next(pair.plain), "not yet");
}

TEST(ShapedChannel, AFullChannelBelowIsWaitedFor) {
  const SystemClock clock;
  ShapedPair pair(clock, link_of(8e12, 0), {.send_window_bytes = 1, .limits = {}});
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(pair.shaped.send(message_of_text(std::to_string(i))));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(body_of_next(pair.plain), std::to_string(i));
}

TEST(ShapedChannel, CloseOfEitherEndWakesBoth) {
  const SystemClock clock;
  for (const bool closes_own : {true, false}) {
    ShapedPair pair(clock, link_of(8e6, 0));
    Code code = Code::Internal;
    std::thread receiver([&] {
      const auto none = pair.shaped.receive(kVeryLongS);
      if (!none) code = none.error().code;
    });
    closes_own ? pair.shaped.close() : pair.plain.close();
    receiver.join();
    EXPECT_EQ(code, Code::Cancelled);
    EXPECT_TRUE(test::eventually([&] { return !pair.shaped.send(message_of_text("y")).ok(); }));
    EXPECT_EQ(pair.shaped.send(message_of_text("y")).error().code, Code::Cancelled);
    EXPECT_EQ(pair.shaped.receive(kVeryLongS).error().code, Code::Cancelled);
    EXPECT_EQ(pair.plain.receive(kVeryLongS).error().code, Code::Cancelled);
  }
}

TEST(ShapedChannel, WhatWasTakenArrivesBeforeTheClose) {
  const SystemClock clock;
  ShapedPair pair(clock, link_of(80, 1000));
  for (const char* body : {"a", "b", "c"}) ASSERT_TRUE(pair.shaped.send(message_of_text(body)));
  ASSERT_TRUE(pair.shaped.send(message_of_text("A"), Channel::Lane::Urgent));
  pair.shaped.close();
  for (const char* body : {"a", "A", "b", "c"}) EXPECT_EQ(body_of_next(pair.plain), body);
  EXPECT_EQ(pair.plain.receive(kVeryLongS).error().code, Code::Cancelled);
}

TEST(ShapedChannel, APeerThatDoesNotReadDelaysTheCloseForASecond) {
  const SystemClock clock;
  auto [first, second] = make_channel_pair({.send_window_bytes = 1, .limits = {}});
  {
    ShapedChannel shaped(std::move(first), link_of(8e12, 0), clock);
    for (const char* body : {"read", "lost"}) ASSERT_TRUE(shaped.send(message_of_text(body)));
  }
  EXPECT_EQ(body_of_next(*second), "read");
  EXPECT_EQ(second->receive(kVeryLongS).error().code, Code::Cancelled);
}

TEST(ShapedChannel, ACloseDuringACutLosesIt) {
  const SystemClock clock;
  ShapedPair pair(clock, link_of(80, 1000));
  ASSERT_TRUE(pair.shaped.send(message_of_text("lost")));
  pair.shaped.cut();
  pair.shaped.close();
  EXPECT_EQ(pair.plain.receive(kVeryLongS).error().code, Code::Cancelled);
}

TEST(ShapedChannel, ADeadLinkCanBeClosed) {
  const SystemClock clock;
  ShapedPair pair(clock, link_of(0, 0));
  ASSERT_TRUE(pair.shaped.send(message_of_text("never")));
  ASSERT_TRUE(pair.shaped.send(message_of_text("neither")));
  EXPECT_EQ(body_of_next(pair.plain, 0.01), "(nothing)");
}

TEST(ShapedChannel, WhatTheChannelBelowRefusesEndsIt) {
  const SystemClock clock;
  ShapedPair pair(clock, link_of(8e12, 0), {.limits = {.bytes = 100, .tensors = 1}});
  ASSERT_TRUE(pair.shaped.send(message_of_text(std::string(200, 'x'))));
  EXPECT_EQ(pair.plain.receive(kVeryLongS).error().code, Code::Cancelled);
  EXPECT_TRUE(test::eventually([&] { return !pair.shaped.send(message_of_text("y")).ok(); }));
  EXPECT_EQ(pair.shaped.send(message_of_text("y")).error().code, Code::InvalidArgument);
}

}  // namespace
}  // namespace verge::net
