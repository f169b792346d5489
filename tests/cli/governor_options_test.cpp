#include <verge/cli/governor_options.hpp>

#include "tuning_case.hpp"

namespace verge::cli {
namespace {

class GovernedTuning : public TuningCase {
 protected:
  std::vector<std::string> tune(std::vector<std::string> more) const {
    std::vector<std::string> all = {"fit",     "tune", "--plan", plan_,
                                    "--data",  data_,  "-t",     "1",
                                    "--steps", "3",    "-o",     folder_ / "mine.safetensors"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(GovernedTuning, RunsUnderLimitsThatNothingExceeds) {
  ASSERT_EQ(test::run_verge(compile({"--scheme", "head"})).status, 0);
  const auto json = test::run_json(
      tune({"--warm", "190", "--hot", "199", "--busy-load", "0.999", "--min-battery", "0.001"}));
  EXPECT_EQ(json["steps"], 3);
}

TEST_F(GovernedTuning, SaysWhichLimitsMakeNoSense) {
  ASSERT_EQ(test::run_verge(compile({"--scheme", "head"})).status, 0);
  test::expect_refused(test::run_verge(tune({"--hot", "80"})), 2, "give both, warm below hot");
  test::expect_refused(test::run_verge(tune({"--warm", "90", "--hot", "80"})), 2, "warm below hot");
  test::expect_refused(test::run_verge(tune({"--min-battery", "20"})), 2, "shares from 0 to 1");
}

TEST(GovernorOptions, ReadsTheMachinesSensors) {
  const SystemClock clock;
  const auto telemetry = machine_telemetry(clock);
  const runtime::Telemetry first = telemetry(), second = telemetry();
  EXPECT_GE(second.time_s, first.time_s);
  EXPECT_TRUE(!second.load || (*second.load >= 0 && *second.load <= 1));
}

}  // namespace
}  // namespace verge::cli
