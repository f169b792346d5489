#include <atomic>

#include <gtest/gtest.h>
#include <manual_clock.hpp>

#include <verge/stages/serve/collab/edge_links.hpp>

namespace verge::serve {
namespace {

class EdgeLinksTest : public ::testing::Test {
 protected:
  // A link to nowhere, whose attempts last until they are let go.
  EdgeLinks::Make making() {
    return [this] {
      ++made_;
      const auto connect = [this]() -> Result<std::unique_ptr<Channel>> {
        while (holds_) holds_.wait(true);
        return make_error(Code::Io, "nobody is there");
      };
      return std::make_unique<CloudLink>(connect, HelloMessage(), CollabLimits(),
                                         CloudLinkOptions{.retry_s = 0.001});
    };
  }
  void let_go() {
    holds_ = false;
    holds_.notify_all();
  }

  test::ManualClock clock_{0};
  std::atomic<bool> holds_ = false;
  int made_ = 0;
};

TEST_F(EdgeLinksTest, OneIsConnectedAhead) {
  EdgeLinks links(making(), clock_);
  EXPECT_EQ(made_, 1);
  clock_.advance(3);
  const EdgeLink first = links.take();
  EXPECT_EQ(made_, 2);
  EXPECT_EQ(first.since_s, 0);
  const EdgeLink second = links.take();
  EXPECT_EQ(second.since_s, 3);
  EXPECT_NE(first.link, second.link);
}

TEST_F(EdgeLinksTest, WhoEndsOneDoesNotWaitForIt) {
  holds_ = true;
  EdgeLinks links(making(), clock_);
  links.drop(links.take());  // would never come back while the attempt lasts
  EXPECT_EQ(made_, 2);
  let_go();
}

TEST_F(EdgeLinksTest, WithoutAServerThereAreNone) {
  EdgeLinks links({}, clock_);
  EXPECT_EQ(links.take().link, nullptr);
  links.drop(links.take());
}

}  // namespace
}  // namespace verge::serve
