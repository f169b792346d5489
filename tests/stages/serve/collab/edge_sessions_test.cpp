#include <verge/stages/serve/collab/edge_sessions.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

class EdgeSessionsTest : public ::testing::Test {
 protected:
  std::unique_ptr<EdgeSession> session(std::vector<int32_t> tokens, const std::string& salt = "") {
    EdgeOptions options;
    options.policy.mode = CollabMode::Standalone;
    auto made = std::make_unique<EdgeSession>();
    auto driver = EdgeDriver::create(*SharedModels::get().edge, SharedModels::get().split, options,
                                     clock_, nullptr);
    EXPECT_TRUE(driver.ok()) << driver.error().message;
    made->driver = std::move(*driver);
    EXPECT_TRUE(made->driver->append(tokens).ok());
    made->tokens = std::move(tokens);
    made->salt = salt;
    return made;
  }
  static int64_t free_pages() { return decoder().pool.free_pages(); }
  static const runtime::Decoder& decoder() { return SharedModels::get().edge->decoder(); }

  SystemClock clock_;
  EdgeLinks links_{{}, clock_};
};

TEST_F(EdgeSessionsTest, APromptGoesOnFromTheLongestOfItsBeginnings) {
  EdgeSessions idle(links_, decoder(), 8);
  idle.put(session({1, 2, 3}));
  idle.put(session({1, 2}));
  idle.put(session({1, 9}));
  const std::vector<int32_t> prompt = {1, 2, 3, 4};
  EXPECT_EQ(idle.take(prompt, "")->tokens.size(), 3u);
  EXPECT_EQ(idle.take(prompt, "")->tokens.size(), 2u);
  EXPECT_EQ(idle.take(prompt, ""), nullptr);
  EXPECT_EQ(idle.size(), 1u);
}

TEST_F(EdgeSessionsTest, WhatIsNoBeginningIsNotTaken) {
  EdgeSessions idle(links_, decoder(), 8);
  idle.put(session({1, 2, 3}));
  EXPECT_EQ(idle.take(std::vector<int32_t>{1, 2, 3}, ""), nullptr);  // nothing would be new
  EXPECT_EQ(idle.take(std::vector<int32_t>{1, 2, 3, 4}, "another tenant's"), nullptr);
  EXPECT_NE(idle.take(std::vector<int32_t>{1, 2, 3, 4}, ""), nullptr);
}

TEST_F(EdgeSessionsTest, ThoseLongestUnusedMakeRoom) {
  const int64_t all = free_pages();
  EdgeSessions idle(links_, decoder(), 2);
  const std::vector<int32_t> tokens(static_cast<size_t>(decoder().page_tokens) + 1, 5);
  const auto with = [&](int32_t first) {
    std::vector<int32_t> own = tokens;
    own[0] = first;
    return own;
  };
  for (const int32_t first : {1, 2, 3}) idle.put(session(with(first)));
  EXPECT_EQ(idle.size(), 2u);
  EXPECT_EQ(idle.pages(), 4);
  EXPECT_EQ(free_pages(), all - 4);
  EXPECT_TRUE(idle.make_room(all - 2));
  std::vector<int32_t> next = with(3);
  next.push_back(1);
  EXPECT_NE(idle.take(next, ""), nullptr);
  EXPECT_TRUE(idle.make_room(all));
  EXPECT_FALSE(idle.make_room(all + 1));
}

}  // namespace
}  // namespace verge::serve
