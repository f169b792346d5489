#include <fstream>
#include <iterator>

#include <command_line.hpp>
#include <exit_models.hpp>
#include <gtest/gtest.h>
#include <paths.hpp>

#include <verge/cli/exit_policy.hpp>

namespace verge::cli {
namespace {

class ExitFitTest : public testing::Test {
 protected:
  // The shipped model with a third head, and a few positions of a text that it did not learn.
  std::string write_three() {
    const std::string path = folder_ / "copy.gguf";
    std::filesystem::copy_file(test::source_file("models/verge-lm.gguf"), path);
    return test::with_exit_heads(path, {1, 2, 4});
  }
  nlohmann::json fit(std::vector<std::string> more) {
    std::vector<std::string> all = {
        "fit",     "exits", model_,      "--calib", test::source_file("LICENSE"), "--records", "80",
        "--agree", "0.6",   "--threads", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return test::run_json(all);
  }

  test::TemporaryFolder folder_;
  std::string model_ = write_three();
};

// Every pair is priced, and that of the least time chosen; the policy says so, and its split is it.
TEST_F(ExitFitTest, WithALinkTheSoonestPairIsChosen) {
  const std::string policy = folder_ / "policy.json";
  const auto json = fit({"--link", "23mbit,20ms", "--device-speed", "0.25", "-o", policy});
  const auto& plan = json["plan"];
  EXPECT_EQ(plan["link"]["bytes_per_s"], 23e6 / 8);
  EXPECT_EQ(plan["link"]["round_trip_s"], 0.04);
  EXPECT_NEAR(plan["device"]["head_s"], 4 * plan["machine"]["head_s"].get<double>(), 1e-12);
  ASSERT_EQ(plan["pairs"].size(), 3u);
  double least = 1e9;
  nlohmann::json exits;
  for (const auto& pair : plan["pairs"]) {
    if (pair["cost"]["token_s"] >= least) continue;
    least = pair["cost"]["token_s"];
    exits = pair["exits"];
  }
  EXPECT_EQ(json["exit1"]["after"], exits[0]);
  EXPECT_EQ(json["exit2"]["after"], exits[1]);
  const auto written = read_policy(policy);
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->exits[0], exits[0]);
  ASSERT_TRUE(written->machine);
  EXPECT_EQ(written->machine->head_s, plan["machine"]["head_s"]);
  const auto parts = test::run_json({"fit", "split", model_, "--policy", policy, "-o",
                                     folder_ / "edge.gguf", folder_ / "cloud.gguf"});
  EXPECT_EQ(parts["exits"], exits);
}

TEST_F(ExitFitTest, ADevicesOwnTimesAreTaken) {
  ExitPolicy slow{.model_hash = "of the device's model", .exits = {2, 4}};
  slow.machine = {.layer = {.base_s = 0.5, .row_s = 0.25}, .head_s = 0.125};
  const std::string device = folder_ / "device.json";
  ASSERT_TRUE(write_policy(slow, device));
  const auto json = fit({"--exits", "2,4", "--link", "23mbit,20ms", "--device", device});
  EXPECT_EQ(json["plan"]["device"]["layer_base_s"], 0.5);
  ASSERT_EQ(json["plan"]["pairs"].size(), 1u);
  const double edge_s = json["plan"]["pairs"][0]["cost"]["edge_s"];
  EXPECT_GT(edge_s, 2 * 0.75 + 0.125);
  slow.machine.reset();
  ASSERT_TRUE(write_policy(slow, device));
  test::expect_refused(
      test::run_verge({"fit", "exits", model_, "--calib", test::source_file("LICENSE"), "--records",
                       "8", "--link", "23mbit,20ms", "--device", device}),
      2, "says nothing of a machine's times");
}

// The thresholds of one text on another: fitted again nothing, counted all.
TEST_F(ExitFitTest, APolicyIsJudgedByAnotherText) {
  const std::string policy = folder_ / "policy.json";
  const auto fitted = fit({"-o", policy});
  std::ifstream license(test::source_file("LICENSE"));
  std::string text((std::istreambuf_iterator<char>(license)), {});
  const std::string other = folder_.add("other", text.substr(text.size() / 2));
  const auto judged = test::run_json({"fit", "exits", model_, "--calib", other, "--records", "80",
                                      "--check", policy, "--threads", "1"});
  for (const char* exit : {"exit1", "exit2"}) {
    EXPECT_EQ(judged[exit]["theta"], fitted[exit]["theta"]);
    EXPECT_EQ(judged[exit]["temperature"], fitted[exit]["temperature"]);
  }
  EXPECT_EQ(judged["codec"], fitted["codec"]);
  EXPECT_GT(judged["disagreement_bound"], judged["predicted"]["disagreement"]);
  EXPECT_NE(judged["predicted"], fitted["predicted"]);
  test::expect_refused(test::run_verge({"fit", "exits", model_, "--calib",
                                        test::source_file("LICENSE"), "--check", policy}),
                       1, "fitted on this very text");
}

TEST_F(ExitFitTest, WithoutALinkItIsTheFirstTwoOrThoseAskedFor) {
  EXPECT_EQ(fit({})["exit2"]["after"], 2);
  const auto json = fit({"--exits", "1,4", "--codec", "int8"});
  EXPECT_EQ(json["exit2"]["after"], 4);
  EXPECT_EQ(json["codec"], "int8");
  EXPECT_FALSE(json.contains("plan"));
  const auto refused = [&](std::vector<std::string> more, int status, const char* part) {
    std::vector<std::string> all = {"fit", "exits", model_, "--calib",
                                    test::source_file("LICENSE")};
    all.insert(all.end(), more.begin(), more.end());
    test::expect_refused(test::run_verge(all), status, part);
  };
  refused({"--exits", "1"}, 2, "give two");
  refused({"--exits", "4,1"}, 2, "in order");
  refused({"--exits", "1,3"}, 1, "no exit after 3 layers");
  refused({"--link", "fast"}, 2, "--link fast");
  refused({"--link", "23mbit,20ms", "--device-speed", "0", "--records", "8"}, 2, "above 0");
}

}  // namespace
}  // namespace verge::cli
