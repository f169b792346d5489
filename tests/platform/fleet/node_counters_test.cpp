#include <limits>
#include <thread>

#include <gtest/gtest.h>

#include <verge/platform/fleet/node_counters.hpp>
#include <verge/platform/net/link/channel_pair.hpp>

namespace verge::fleet {
namespace {

constexpr double kSoon_s = 60;

TEST(NodeCounters, AreReadAnewForWhoAsks) {
  double asked = 0;
  const Service service = counters_service([&] {
    return NodeCounters{{"asked", ++asked}, {"upper.steps", 1.5}};
  });
  for (const double times : {1.0, 2.0}) {
    net::ChannelPair ends = net::make_channel_pair();
    std::thread node([&] { service({}, std::move(ends.second)); });
    const auto counters = receive_counters(*ends.first, kSoon_s);
    ends.first->close();
    node.join();
    ASSERT_TRUE(counters) << counters.error().message;
    EXPECT_EQ(*counters, (NodeCounters{{"asked", times}, {"upper.steps", 1.5}}));
  }
}

TEST(NodeCounters, SilenceAndOtherWordsAreErrors) {
  net::ChannelPair ends = net::make_channel_pair();
  EXPECT_EQ(receive_counters(*ends.first, 0).error().code, Code::Cancelled);
  for (const Message& other :
       {Message{.kind = 9, .body = ""}, Message{.kind = 1, .body = "\x0a"}}) {
    ASSERT_TRUE(ends.second->send(other));
    EXPECT_EQ(receive_counters(*ends.first, kSoon_s).error().code, Code::Malformed);
  }
}

TEST(NodeCounters, ANumberThatIsNoneIsAnError) {
  net::ChannelPair ends = net::make_channel_pair();
  const Service service = counters_service([] {
    return NodeCounters{{"steps", std::numeric_limits<double>::infinity()}};
  });
  std::thread node([&] { service({}, std::move(ends.second)); });
  EXPECT_EQ(receive_counters(*ends.first, kSoon_s).error().code, Code::Malformed);
  ends.first->close();
  node.join();
}

}  // namespace
}  // namespace verge::fleet
