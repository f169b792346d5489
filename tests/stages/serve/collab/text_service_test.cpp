#include <eventually.hpp>

#include <verge/stages/serve/collab/cloud_text.hpp>
#include <verge/stages/serve/collab/text_service.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

// A scheduler of the whole shipped model, and a link to it.
class CloudModeTest : public ::testing::Test {
 protected:
  explicit CloudModeTest(SchedulerOptions options = {})
      : models_({served()}, clock_, {}), scheduler_(models_, clock_, std::move(options)) {
    engine_ = std::jthread([this](std::stop_token stop) { scheduler_.run(stop); });
    CollabLimits limits = limits_of();
    service_.emplace(scheduler_, "m", SharedModels::get().split, limits, clock_);
  }
  static ServedModel served() {
    ServedModel model{.name = "m", .path = test::source_file("models/verge-lm.gguf")};
    model.load.context = 256;
    model.load.kv_tokens = 2048;
    model.load.max_sequences = 8;
    return model;
  }
  std::unique_ptr<CloudLink> link(SplitIdentity split = SharedModels::get().split,
                                  WatchedChannel::Watch watch = {}) {
    return std::make_unique<CloudLink>(
        [this, watch]() -> Result<std::unique_ptr<Channel>> {
          net::ChannelPair pair = net::make_channel_pair();
          std::shared_ptr<Channel> end = std::move(pair.second);
          const std::lock_guard lock(mutex_);
          connections_.emplace_back([this, end] { (void)service_->serve(*end, {"t", "d"}); });
          if (!watch) return std::move(pair.first);
          return std::unique_ptr<Channel>(new WatchedChannel(std::move(pair.first), watch));
        },
        hello_of(split), limits_of(), CloudLinkOptions{.retry_s = 0.001});
  }
  static std::vector<int32_t> all_of(CloudText& text) {
    std::vector<int32_t> tokens;
    while (true) {
      const auto token = text.next(60);
      EXPECT_TRUE(token.ok()) << token.error().message;
      if (!token.ok() || !*token) return tokens;
      tokens.push_back(**token);
    }
  }

  SystemClock clock_;
  ModelPool models_;
  Scheduler scheduler_;
  std::optional<TextService> service_;
  std::jthread engine_;
  std::mutex mutex_;
  std::vector<std::jthread> connections_;
};

const text::SamplerOptions kGreedy = {.temperature = 0};

TEST_F(CloudModeTest, TheAnswerIsTheWholeModels) {
  const auto up = link();
  ASSERT_TRUE(test::eventually([&] { return up->is_up(); }));
  CloudText text(*up);
  for (const char* words : {"The king", "In the beginning of the year"}) {
    const std::vector<int32_t> prompt = prompt_tokens(words);
    ASSERT_TRUE(text.ask(prompt, 40, kGreedy).ok());
    EXPECT_EQ(text.ask(prompt, 40, kGreedy).error().code, Code::Conflict);
    std::vector<int32_t> expected = whole_text(prompt, 40);
    const auto is_end = [](int32_t t) { return SharedModels::get().whole->tokenizer().is_end(t); };
    expected.erase(std::ranges::find_if(expected, is_end), expected.end());
    const double server_s = text.server_s();
    EXPECT_EQ(all_of(text), expected) << words;
    EXPECT_GT(text.server_s(), server_s);
  }
}

TEST_F(CloudModeTest, WithoutItsServerItHasNothingToSay) {
  std::atomic<int> tokens = 0;
  const auto up = link(SharedModels::get().split, [&](const Message& message) {
    return is_of(message, CollabKind::Token) && ++tokens == 3 ? Fate::CutBefore : Fate::Passes;
  });
  ASSERT_TRUE(test::eventually([&] { return up->is_up(); }));
  CloudText text(*up);
  ASSERT_TRUE(text.ask(prompt_tokens("The king"), 200, kGreedy).ok());
  Result<std::optional<int32_t>> token = text.next(60);
  while (token.ok() && *token) token = text.next(60);
  ASSERT_FALSE(token.ok());
  EXPECT_EQ(token.error().code, Code::Io);
  // The server lets go of what nobody reads, and the device may ask again.
  EXPECT_TRUE(test::eventually([&] { return up->is_up() && up->connections() == 2; }));
  ASSERT_TRUE(text.ask(prompt_tokens("The king"), 3, kGreedy).ok());
  EXPECT_EQ(all_of(text).size(), 3u);
}

TEST_F(CloudModeTest, AnotherModelIsRefused) {
  SplitIdentity other = SharedModels::get().split;
  other.tokenizer_hash = "another";
  const auto up = link(other);
  EXPECT_TRUE(test::eventually([&] { return up->is_refused(); }));
  EXPECT_TRUE(up->status().error().message.starts_with("the device's tokenizer is another"));
}

TEST_F(CloudModeTest, PromptsBeyondTheLimitsAreRefused) {
  const auto up = link();
  ASSERT_TRUE(test::eventually([&] { return up->is_up(); }));
  CloudText text(*up);
  ASSERT_TRUE(text.ask(std::vector<int32_t>(300, 5), 3, kGreedy).ok());
  EXPECT_EQ(text.next(60).error().message, "prompt: tokens is 300; it must be 1 to 255");
  EXPECT_FALSE(text.next(60)->has_value());
}

class FullCloudTest : public CloudModeTest {
 protected:
  FullCloudTest() : CloudModeTest({.max_waiting = 0}) {}
};

TEST_F(FullCloudTest, AFullServerSaysWhenToComeAgain) {
  const auto up = link();
  ASSERT_TRUE(test::eventually([&] { return up->is_up(); }));
  CloudText text(*up);
  ASSERT_TRUE(text.ask(prompt_tokens("The king"), 3, kGreedy).ok());
  EXPECT_EQ(text.next(60).error().code, Code::Busy);
}

}  // namespace
}  // namespace verge::serve
