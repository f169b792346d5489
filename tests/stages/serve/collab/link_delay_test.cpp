// A link that is up but slow: what nobody needs delays nobody, and what costs too much is asked for
// less.

#include <eventually.hpp>

#include <verge/platform/net/link/shaped_channel.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

class LinkDelayTest : public ::testing::Test {
 protected:
  std::unique_ptr<Channel> shaped(std::unique_ptr<Channel> below, double delay_s) {
    auto model = net::LinkModel::make({.trace = net::constant_link(20e6, delay_s)});
    EXPECT_TRUE(model.ok()) << model.error().message;
    return std::make_unique<net::ShapedChannel>(std::move(below), std::move(*model), clock_);
  }
  std::unique_ptr<CloudLink> slow_link(TestServer& server, double delay_s) {
    auto link = std::make_unique<CloudLink>(
        [this, &server, delay_s]() -> Result<std::unique_ptr<Channel>> {
          return shaped(server.connect(), delay_s);
        },
        hello_of(SharedModels::get().split), limits_of());
    EXPECT_TRUE(test::eventually([&] { return link->is_up(); }));
    return link;
  }
  std::unique_ptr<EdgeDriver> slow_driver(const EdgeOptions& options, CloudLink& link) {
    SharedModels& models = SharedModels::get();
    auto driver = EdgeDriver::create(*models.edge, models.split, options, clock_, &link);
    EXPECT_TRUE(driver.ok()) << driver.error().message;
    EXPECT_TRUE((*driver)->append(prompt_tokens("It was the best of times, it was")).ok());
    return std::move(*driver);
  }
  SystemClock clock_;
};

TEST_F(LinkDelayTest, EasyTextWaitsForNothing) {
  TestServer server(SharedModels::get().split, clock_, 1024, {.fills_prompts = false});
  const auto link = slow_link(server, 0.2);
  EdgeOptions options = asking();
  options.policy.theta1 = options.policy.theta2 = 0;
  const auto driver = slow_driver(options, *link);
  generate(*driver, 100);
  EXPECT_EQ(driver->metrics().waiting_s, 0);
  EXPECT_EQ(driver->metrics().asked, 0);
  EXPECT_EQ(driver->metrics().count(TokenPlace::Exit1), 99);
  // And yet its states arrive.
  EXPECT_TRUE(test::eventually([&] { return server.manager().snapshot().states_bytes > 0; }));
}

TEST_F(LinkDelayTest, AutoAsksForLessWhereThatIsSlow) {
  TestServer server(SharedModels::get().split, clock_, 1024);
  const auto link = slow_link(server, 0.1);
  EdgeOptions options = asking("f16", CollabMode::Auto);
  options.policy.theta1 = 1;
  options.policy.theta2 = 0.999;
  options.policy.theta_min = 0;
  const auto driver = slow_driver(options, *link);
  const std::vector<CollabToken> tokens = generate(*driver, 30);
  const auto first = std::ranges::find(tokens, TokenPlace::Cloud, &CollabToken::place);
  ASSERT_NE(first, tokens.end());
  EXPECT_EQ(first->theta2, 0.999);  // nothing was known of the link
  ASSERT_NE(first + 1, tokens.end());
  for (auto token = first + 1; token != tokens.end(); ++token) EXPECT_LT(token->theta2, 0.999);
  EXPECT_GE(driver->policy_state().round_trip_s.value_or(0), 0.09);  // a mean of measurements
}

}  // namespace
}  // namespace verge::serve
