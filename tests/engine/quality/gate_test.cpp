#include <limits>

#include <gtest/gtest.h>

#include <verge/engine/quality/gate.hpp>

namespace verge::quality {
namespace {

const std::vector<Measure> kMeasured = {
    {"kld", {0.03, 0.001, 10}}, {"top1", {0.95, 0.01, 10}}, {"ppl", {12, 1, 10}}};

TEST(Gate, NamesTheRulesThatFail) {
  const std::vector<std::pair<const char*, size_t>> cases = {
      {"kld<0.04", 0},           {"kld<0.03", 1}, {"top1>0.94,ppl<12.5", 0},
      {"top1>0.95,kld<1e-2", 2}, {"ppl>11", 0},   {"", 0}};
  for (const auto& [rules, failures] : cases) {
    const auto gate = Gate::parse(rules);
    ASSERT_TRUE(gate) << rules;
    EXPECT_EQ(gate->failures(kMeasured).size(), failures) << rules;
  }
  EXPECT_EQ(Gate::parse("kld<0.02")->failures(kMeasured).front(), "kld is 0.03, not < 0.02");
}

TEST(Gate, RefusesWhatIsNoRule) {
  for (const char* rules : {"kld", "<3", "kld<", "kld<x", "kld<1e", "kld=1", "kld<1,,top1>0"}) {
    const auto gate = Gate::parse(rules);
    ASSERT_FALSE(gate) << rules;
    EXPECT_EQ(gate.error().code, Code::InvalidArgument);
  }
}

TEST(Gate, NamesAMeasureThatIsNotThere) {
  EXPECT_TRUE(Gate::parse("kld<1")->check_names(kMeasured));
  const Status status = Gate::parse("kld<1,acc>0.5")->check_names(kMeasured);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("\"acc\""), std::string::npos);
  EXPECT_NE(status.error().message.find("top1"), std::string::npos);
}

TEST(Gate, NotANumberPassesNothing) {
  const std::vector<Measure> measured = {{"ppl", {std::numeric_limits<double>::quiet_NaN(), 0, 1}}};
  EXPECT_EQ(Gate::parse("ppl<100,ppl>0")->failures(measured).size(), 2u);
}

}  // namespace
}  // namespace verge::quality
