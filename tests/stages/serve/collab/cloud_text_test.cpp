#include <eventually.hpp>
#include <gtest/gtest.h>

#include <verge/platform/net/link/channel_pair.hpp>
#include <verge/stages/serve/collab/cloud_text.hpp>

namespace verge::serve {
namespace {

// A server whose words a test puts into its mouth.
class CloudTextTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(test::eventually([&] { return link_.is_up(); }));
    ASSERT_TRUE(text_.ask(std::vector<int32_t>{1, 2, 3}, 9, {.temperature = 0}).ok());
  }
  void say(const CollabMessage& message) { EXPECT_TRUE(server_->send(to_message(message)).ok()); }

  std::unique_ptr<Channel> server_;
  CloudLink link_{[this]() -> Result<std::unique_ptr<Channel>> {
                    net::ChannelPair pair = net::make_channel_pair();
                    server_ = std::move(pair.second);
                    say(AcceptMessage{.session = "s", .codecs = {"f16"}});
                    return std::move(pair.first);
                  },
                  HelloMessage{.codecs = {"f16"}, .session = "s"},
                  CollabLimits{.width = 4, .vocab = 10, .context = 64},
                  {.retry_s = 1000}};
  CloudText text_{link_};
};

TEST_F(CloudTextTest, TokensComeInOrderUntilTheEnd) {
  say(TokenMessage{.position = 2, .id = 7});
  say(TokenMessage{.position = 3, .id = 8});
  say(CloseMessage());
  EXPECT_EQ(*text_.next(60), 7);
  EXPECT_EQ(*text_.next(60), 8);
  EXPECT_EQ(*text_.next(60), std::nullopt);
  EXPECT_EQ(*text_.next(60), std::nullopt);
  EXPECT_TRUE(text_.ask(std::vector<int32_t>{1}, 9, {.temperature = 0}).ok());
}

TEST_F(CloudTextTest, ATokenOutOfOrderIsNone) {
  say(TokenMessage{.position = 3, .id = 7});
  EXPECT_EQ(text_.next(60).error().message, "the server's token is of position 3, 2 was due");
}

TEST_F(CloudTextTest, SilenceAndFailuresEndTheAnswer) {
  EXPECT_EQ(text_.next(0.001).error().code, Code::Io);
  EXPECT_EQ(*text_.next(60), std::nullopt);
  EXPECT_EQ(text_.ask(std::vector<int32_t>{1}, 9, {.temperature = 0}).error().code, Code::Conflict);
}

TEST_F(CloudTextTest, TheServersOwnErrorIsKept) {
  say(FailureMessage{{Code::OutOfMemory, "too large"}});
  const auto failed = text_.next(60);
  EXPECT_EQ(failed.error().code, Code::OutOfMemory);
  EXPECT_EQ(failed.error().message, "too large");
}

TEST_F(CloudTextTest, SamplingThatDoesNotTravelIsRefused) {
  EXPECT_EQ(text_.ask(std::vector<int32_t>{1}, 9, {.mirostat_tau = 1}).error().code,
            Code::Unsupported);
}

}  // namespace
}  // namespace verge::serve
