#include <gtest/gtest.h>
#include <manual_clock.hpp>

#include <verge/platform/fleet/link_probe.hpp>
#include <verge/platform/net/link/channel_pair.hpp>

namespace verge::fleet {
namespace {

// Answers at once, and moves a clock as a link of this delay and these rates would.
class ClockedLink final : public Channel {
 public:
  ClockedLink(test::ManualClock& clock, double delay_s, double up, double down)
      : clock_(clock), delay_s_(delay_s), up_(up), down_(down) {}

  using Channel::send;
  Status send(Message message, Lane) override {
    const auto probe = probe_from(message);
    if (!probe) return probe.error();
    clock_.advance(2 * delay_s_ + static_cast<double>(probe->load.size()) / up_ +
                   static_cast<double>(probe->answer_bytes) / down_);
    ++probes;
    answer_ = to_message(answer(*probe));
    return {};
  }
  Result<std::optional<Message>> receive(double) override {
    return probes == fails_at ? std::nullopt : answer_;
  }
  int64_t unsent_bytes() const override { return 0; }
  ChannelCounters counters() const override { return {}; }
  void close() override {}

  int probes = 0;
  int fails_at = -1;

 private:
  test::ManualClock& clock_;
  double delay_s_, up_, down_;
  std::optional<Message> answer_;
};

TEST(LinkProbe, FindsDelayAndRatesOfALink) {
  struct Case {
    double delay_s, up, down;
  };
  for (const Case& c : {Case{0.02, 3e5, 5e6}, Case{0.1, 4e4, 4e4}, Case{0.0001, 1e8, 3e8}}) {
    test::ManualClock clock;
    ClockedLink link(clock, c.delay_s, c.up, c.down);
    const auto report = probe_link(link, clock);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_NEAR(report->round_trip_s, 2 * c.delay_s, 1e-6);
    EXPECT_NEAR(report->up_bytes_per_s, c.up, 1e-3 * c.up);
    EXPECT_NEAR(report->down_bytes_per_s, c.down, 1e-3 * c.down);
  }
}

TEST(LinkProbe, ASlowLinkIsNotFilledForLong) {
  test::ManualClock clock;
  ClockedLink link(clock, 0.1, 4e4, 4e4);
  const double begin = clock.seconds();
  ASSERT_TRUE(probe_link(link, clock));
  EXPECT_EQ(link.probes, 9 + 1 + 1);
  EXPECT_LT(clock.seconds() - begin, 11 * 0.2 + 1);
}

TEST(LinkProbe, AnAnswerThatDoesNotComeEndsIt) {
  test::ManualClock clock;
  ClockedLink link(clock, 0.02, 1e6, 1e6);
  link.fails_at = 4;
  EXPECT_EQ(probe_link(link, clock).error().code, Code::Cancelled);
}

TEST(LinkProbe, AnAnswerToAnotherProbeEndsIt) {
  net::ChannelPair ends = net::make_channel_pair();
  ASSERT_TRUE(ends.second->send(to_message(ProbeAnswer{.id = 99})));
  const SystemClock clock;
  EXPECT_EQ(probe_link(*ends.first, clock).error().code, Code::Malformed);
}

}  // namespace
}  // namespace verge::fleet
