#include <eventually.hpp>
#include <gtest/gtest.h>
#include <manual_clock.hpp>

#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/platform/net/link/channel_pair.hpp>
#include <verge/stages/serve/collab/state_uplink.hpp>

namespace verge::serve {
namespace {

constexpr int64_t kUpWidth = 64;

std::vector<float> up_rows(int64_t from, int64_t to) {
  std::vector<float> rows;
  for (int64_t p = from; p < to; ++p) rows.insert(rows.end(), kUpWidth, static_cast<float>(p));
  return rows;
}

class StateUplinkTest : public ::testing::Test {
 protected:
  // The first `windows` of the connections have a narrow window.
  void start(UplinkOptions options, int64_t window = 256 << 10) {
    link_ = std::make_unique<CloudLink>(
        [this, window]() -> Result<std::unique_ptr<Channel>> {
          net::ChannelPair pair =
              net::make_channel_pair({.send_window_bytes = window, .limits = {}});
          EXPECT_TRUE(
              pair.second->send(to_message(AcceptMessage{.session = "s", .codecs = {"f32"}})).ok());
          const std::lock_guard lock(mutex_);
          end_ = std::move(pair.second);
          return std::move(pair.first);
        },
        HelloMessage{.split = {.model_hash = "m",
                               .tokenizer_hash = "t",
                               .exit1 = 1,
                               .exit2 = 2,
                               .layers = 3,
                               .width = kUpWidth},
                     .codecs = {"f32"},
                     .session = "s"},
        CollabLimits{.width = kUpWidth, .vocab = 10, .context = 4096},
        CloudLinkOptions{.retry_s = 0.001});
    wait_until_up(1);
    uplink_.emplace(*link_, std::move(options), clock_);
  }
  void wait_until_up(int64_t connections) {
    EXPECT_TRUE(
        test::eventually([&] { return link_->is_up() && link_->connections() == connections; }));
    EXPECT_TRUE((*end_->receive(60)).has_value());  // the hello
  }
  // Positions of the states that have come, as many messages as `tokens_each` has.
  std::vector<int64_t> arrived(std::vector<int64_t>* tokens_each = nullptr) {
    std::vector<int64_t> positions;
    while (true) {
      const auto message = end_->receive(0);
      if (!message.ok() || !*message) return positions;
      const auto read = read_message(
          **message, {.width = kUpWidth, .vocab = 10, .context = 4096, .codecs = {"f32"}});
      const StatesMessage& states = std::get<StatesMessage>(**read);
      if (tokens_each) tokens_each->push_back(states.tokens());
      branch_ = states.branch;
      codec_ = states.states.codec;
      const auto rows = net::unpack(states.states, 1 << 20);
      EXPECT_EQ(*rows, up_rows(states.position, states.position + states.tokens()));
      for (int64_t i = 0; i < states.tokens(); ++i) positions.push_back(states.position + i);
    }
  }
  void push(int64_t from, int64_t to) { uplink_->push({from, 0, up_rows(from, to)}); }

  TextBranch branch_;  // of the newest message
  std::string codec_;
  test::ManualClock clock_;
  std::mutex mutex_;
  std::unique_ptr<Channel> end_;
  std::unique_ptr<CloudLink> link_;
  std::optional<StateUplink> uplink_;
};

TEST_F(StateUplinkTest, StatesGoInPackets) {
  start({.codec = "f32", .width = kUpWidth});
  std::vector<int64_t> tokens;
  for (int64_t p = 0; p < 12; ++p) push(p, p + 1);  // 256 bytes each
  EXPECT_EQ(arrived(&tokens).size(), 12u);
  EXPECT_EQ(tokens, (std::vector<int64_t>{6, 6}));
  push(12, 13);
  EXPECT_TRUE(arrived().empty());
  clock_.advance(0.006);
  uplink_->pump();
  EXPECT_EQ(arrived(), std::vector<int64_t>{12});
  push(13, 14);
  EXPECT_TRUE(uplink_->send_all(clock_.seconds()));
  EXPECT_EQ(arrived(), std::vector<int64_t>{13});
}

TEST_F(StateUplinkTest, AFullWindowHoldsUpNobody) {
  start({.codec = "f32", .width = kUpWidth}, 4000);
  for (int64_t p = 0; p < 60; ++p) push(p, p + 1);
  EXPECT_GT(uplink_->unsent_bytes(), 48 * 256);
  EXPECT_FALSE(uplink_->send_all(clock_.seconds()));
  std::vector<int64_t> all;
  EXPECT_TRUE(test::eventually([&] {
    uplink_->pump();
    const auto some = arrived();
    all.insert(all.end(), some.begin(), some.end());
    return !uplink_->has_unsent();
  }));
  const auto rest = arrived();
  all.insert(all.end(), rest.begin(), rest.end());
  ASSERT_EQ(all.size(), 60u);
  for (int64_t p = 0; p < 60; ++p) EXPECT_EQ(all[static_cast<size_t>(p)], p);
}

TEST_F(StateUplinkTest, WhatWasForALostChannelIsForgotten) {
  start({.codec = "f32", .width = kUpWidth});
  push(0, 2);
  end_->close();
  wait_until_up(2);
  push(2, 3);
  EXPECT_TRUE(uplink_->send_all(clock_.seconds()));
  EXPECT_EQ(arrived(), std::vector<int64_t>{2});
  const StateRun again[] = {{0, 0, up_rows(0, 2)}};
  EXPECT_TRUE(uplink_->send_again(again, clock_.seconds()));
  EXPECT_EQ(arrived(), (std::vector<int64_t>{0, 1}));
}

TEST_F(StateUplinkTest, TheBaseLineSendsTheWholeContextEachTime) {
  start({.codec = "f32", .width = kUpWidth, .keeps_back = true});
  push(0, 10);
  push(10, 11);
  EXPECT_TRUE(arrived().empty());
  EXPECT_TRUE(uplink_->send_all(clock_.seconds()));
  EXPECT_EQ(arrived().size(), 11u);
  EXPECT_TRUE(uplink_->send_all(clock_.seconds()));
  EXPECT_EQ(arrived().size(), 11u);
}

TEST_F(StateUplinkTest, TheDrainIsSeen) {
  start({.codec = "f32", .width = kUpWidth});
  push(0, 40);
  push(60, 100);
  EXPECT_EQ(uplink_->take_rate(), std::nullopt);
  const auto unsent = static_cast<double>(uplink_->unsent_bytes());
  EXPECT_TRUE((*end_->receive(60)).has_value());  // the first of both
  clock_.advance(2);
  uplink_->pump();
  EXPECT_NEAR(uplink_->take_rate().value_or(0), unsent / 4, 0.1 * unsent);
  EXPECT_EQ(uplink_->take_rate(), std::nullopt);
  EXPECT_GT(uplink_->left_bytes(), 0);
}

TEST_F(StateUplinkTest, ABranchBeginsWhereTheServerLastAgreed) {
  start({.codec = "f32", .width = kUpWidth});
  push(0, 8);
  EXPECT_EQ(arrived().size(), 8u);
  EXPECT_EQ(branch_, TextBranch());
  push(8, 10);
  uplink_->rewind(9);
  EXPECT_TRUE(uplink_->send_all(clock_.seconds()));
  EXPECT_EQ(arrived(), std::vector<int64_t>{8});
  EXPECT_EQ(branch_, (TextBranch{1, 9}));
  uplink_->rewind(12);  // the server may not have heard of the first
  EXPECT_EQ(uplink_->branch(), (TextBranch{2, 9}));
  uplink_->hear_of_branch();
  uplink_->rewind(12);
  EXPECT_EQ(uplink_->branch(), (TextBranch{3, 12}));
}

TEST_F(StateUplinkTest, WhatIsLateLeavesInTheLateCodec) {
  start({.codec = "f32", .width = kUpWidth, .late_codec = "int8"});
  push(0, 1);
  EXPECT_TRUE(uplink_->send_all(clock_.seconds()));
  EXPECT_EQ(arrived().size(), 1u);
  EXPECT_EQ(codec_, "f32");
  push(1, 3);
  uplink_->set_late(true);
  EXPECT_TRUE(uplink_->send_all(clock_.seconds()));
  const auto message = end_->receive(60);
  ASSERT_TRUE(message.ok() && *message);
  EXPECT_EQ((*message)->tensors.at(0).codec, "int8");
  EXPECT_EQ(uplink_->late_states(), 2);
  const StateRun again[] = {{1, 0, up_rows(1, 3)}};
  EXPECT_TRUE(uplink_->send_again(again, clock_.seconds()));
  EXPECT_EQ(arrived().size(), 2u);
  EXPECT_EQ(codec_, "f32");
}

}  // namespace
}  // namespace verge::serve
