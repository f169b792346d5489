#include <gtest/gtest.h>
#include <manual_clock.hpp>
#include <temporary_folder.hpp>

#include <verge/stages/serve/api/access/gate.hpp>

namespace verge::serve::api {
namespace {

class GateTest : public testing::Test {
 protected:
  GateTest() { add({.tenant = "t", .limits = {.requests_per_minute = 2}}); }

  std::string add(AccessKey settings) {
    auto secret = file_.add(std::move(settings));
    EXPECT_TRUE(file_.save(path_));
    secrets_.push_back(*secret);
    return *secret;
  }

  std::optional<Caller> identify(const Gate& gate, const std::string& header) {
    Problem problem;
    auto caller = gate.identify(header, problem);
    if (problem) {
      EXPECT_EQ(problem.error().status, 401);
    }
    return caller;
  }

  test::TemporaryFolder folder_;
  std::string path_ = folder_ / "keys.json";
  KeyFile file_;
  std::vector<std::string> secrets_;
  test::ManualClock clock_{100};
};

TEST_F(GateTest, WithoutAFileEverybodyPasses) {
  Gate gate(clock_);
  const auto caller = identify(gate, "");
  ASSERT_TRUE(caller);
  EXPECT_TRUE(caller->may_use("anything"));
  Problem problem;
  EXPECT_TRUE(gate.enter(*caller, {.prompt = 1'000'000, .answer = 9}, problem).granted);
  EXPECT_TRUE(gate.headers(*caller).empty());
}

TEST_F(GateTest, KnowsCallersByTheirKey) {
  Gate gate(path_, file_, clock_);
  EXPECT_EQ(identify(gate, "Bearer " + secrets_[0])->tenant, "t");
  EXPECT_EQ(identify(gate, "bearer " + secrets_[0])->tenant, "t");
  for (const std::string& header :
       {std::string(), std::string("Bearer "), std::string("Bearer x"), secrets_[0],
        "Basic " + secrets_[0], "Bearer " + secrets_[0] + "x"}) {
    EXPECT_FALSE(identify(gate, header)) << header;
  }
}

TEST_F(GateTest, LimitsAreToldAndKept) {
  Gate gate(path_, file_, clock_);
  const Caller caller = *identify(gate, "Bearer " + secrets_[0]);
  Problem problem;
  for (int i = 0; i < 2; ++i) {
    gate.leave(caller, gate.enter(caller, {.prompt = 1, .answer = 1}, problem), 2);
  }
  EXPECT_FALSE(problem);
  const auto headers = gate.headers(caller);
  ASSERT_EQ(headers.size(), 3u);
  EXPECT_EQ(headers[0].name + "=" + headers[0].value, "x-ratelimit-limit-requests=2");
  EXPECT_EQ(headers[1].value, "0");
  EXPECT_EQ(headers[2].value, "60s");
  gate.enter(caller, {.prompt = 1, .answer = 1}, problem);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem.error().status, 429);
  EXPECT_EQ(problem.error().code, "rate_limit_exceeded");
  EXPECT_NEAR(problem.error().retry_after_s, 30, 0.1);
}

TEST_F(GateTest, ChangesOfTheFileCountAndDamageDoesNot) {
  Gate gate(path_, file_, clock_);
  EXPECT_FALSE(*gate.refresh());
  const std::string fresh = add({.tenant = "new"});
  ASSERT_TRUE(*gate.refresh());
  EXPECT_EQ(identify(gate, "Bearer " + fresh)->tenant, "new");
  const std::string id = identify(gate, "Bearer " + fresh)->id;
  EXPECT_TRUE(gate.is_valid(id));
  ASSERT_TRUE(file_.revoke(id));
  ASSERT_TRUE(file_.save(path_));
  ASSERT_TRUE(*gate.refresh());
  EXPECT_FALSE(gate.is_valid(id));
  EXPECT_FALSE(identify(gate, "Bearer " + fresh));
  folder_.add("keys.json", "{");
  EXPECT_FALSE(gate.refresh());
  EXPECT_TRUE(identify(gate, "Bearer " + secrets_[0]));
  EXPECT_FALSE(*gate.refresh());  // said once
}

TEST_F(GateTest, TheDayGoesOnInAnotherProcess) {
  const std::string key = add({.tenant = "day", .limits = {.tokens_per_day = 86400}});
  Gate gate(path_, file_, clock_);
  const Caller caller = *identify(gate, "Bearer " + key);
  Problem problem;
  gate.leave(caller, gate.enter(caller, {.prompt = 100, .answer = 900}, problem), 500);
  gate.enter(caller, {.prompt = 100, .answer = 200}, problem);  // runs while the server dies
  const Caller other = *identify(gate, "Bearer " + secrets_[0]);
  gate.enter(other, {.prompt = 100, .answer = 200}, problem);
  const auto usage = gate.take_usage(7000);
  EXPECT_TRUE(gate.take_usage(7000).empty()) << "nothing new";
  ASSERT_EQ(usage.size(), 1u) << "the other key has no limit for the day";
  EXPECT_EQ(usage[0], (KeyUsage{caller.id, 800, 7000}));

  clock_.set(5);  // a new process counts seconds from anywhere
  Gate again(path_, file_, clock_);
  again.restore(std::vector{usage[0], KeyUsage{"gone", 5, 7000}}, 7100);
  EXPECT_TRUE(again.enter(caller, {.prompt = 1, .answer = 2}, problem).granted);
  const auto later = again.take_usage(7100);
  ASSERT_EQ(later.size(), 1u);
  EXPECT_EQ(later[0].tokens, 703) << "one a second is refilled";
}

TEST_F(GateTest, WhatWasUsedOutlivesAChangeOfOthers) {
  Gate gate(path_, file_, clock_);
  const Caller caller = *identify(gate, "Bearer " + secrets_[0]);
  Problem problem;
  for (int i = 0; i < 2; ++i) gate.enter(caller, {.prompt = 1, .answer = 1}, problem);
  add({.tenant = "new"});
  ASSERT_TRUE(*gate.refresh());
  gate.enter(caller, {.prompt = 1, .answer = 1}, problem);
  EXPECT_TRUE(problem);
}

}  // namespace
}  // namespace verge::serve::api
