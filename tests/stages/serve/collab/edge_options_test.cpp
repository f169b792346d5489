#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include <verge/stages/serve/collab/edge_options.hpp>

namespace verge::serve {
namespace {

TEST(EdgeOptions, ThoseOutOfRangeAreRefused) {
  EXPECT_TRUE(check_edge_options({}).ok());
  struct Case {
    std::function<void(EdgeOptions&)> change;
    const char* why;
  };
  const Case cases[] = {
      {[](auto& o) { o.policy.theta1 = 1.5; }, "a threshold is 1.5; use 0 to 1"},
      {[](auto& o) { o.policy.theta_min = std::nan(""); }, "a threshold is nan"},
      {[](auto& o) {
         o.temperatures = std::array<double, 2>{1, 0};
       },
       "an exit's temperature is 0"},
      {[](auto& o) { o.policy.token_deadline_s = 0; }, "deadlines are 0 s a token"},
      {[](auto& o) { o.answer_deadline_s = -1; }, "deadlines are 10 s a token and -1 s"},
      {[](auto& o) { o.draft_tokens = -1; }, "-1 tokens to draft; use 0 to 64"},
      {[](auto& o) { o.draft_tokens = 65; }, "65 tokens to draft; use 0 to 64"},
      {[](auto& o) { o.noise = -1; }, "noise of -1 times a state's size; use 0 or more"},
      {[](auto& o) { o.noise = INFINITY; }, "noise of inf times"},
      {[](auto& o) { o.codec = "q9"; }, "there is no codec 'q9'; there are f32, f16"},
      {[](auto& o) { o.codec = ""; }, "there is no codec ''"},
      {[](auto& o) { o.late_codec = "q9"; }, "there is no codec 'q9'"},
      {[](auto& o) { o.policy.mode = CollabMode::Cloud; }, "mode cloud runs nothing"},
  };
  for (const Case& bad : cases) {
    EdgeOptions options;
    bad.change(options);
    const Status status = check_edge_options(options);
    ASSERT_FALSE(status.ok()) << bad.why;
    EXPECT_TRUE(status.error().message.starts_with(bad.why)) << status.error().message;
  }
}

TEST(EdgeOptions, ReasonsHaveNames) {
  EXPECT_EQ(name(TokenReason::Sure), "sure");
  EXPECT_EQ(name(TokenReason::Refused), "refused");
}

}  // namespace
}  // namespace verge::serve
