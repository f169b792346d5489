#include <command_line.hpp>
#include <gtest/gtest.h>
#include <node_process.hpp>
#include <temporary_folder.hpp>

namespace verge::cli {
namespace {

class NodeCommandsTest : public testing::Test {
 protected:
  static nlohmann::json run(const std::string& folder, std::vector<std::string> words) {
    words.insert(words.begin(), "node");
    words.insert(words.end(), {"--dir", folder});
    return test::run_json(std::move(words));
  }
  static test::Ran refused(const std::string& folder, std::vector<std::string> words) {
    words.insert(words.begin(), "node");
    words.insert(words.end(), {"--dir", folder});
    return test::run_verge(std::move(words));
  }

  test::TemporaryFolder folder_;
  std::string home_ = folder_ / "home", phone_ = folder_ / "phone";
};

TEST_F(NodeCommandsTest, TwoMachinesBecomeAFleet) {
  run(home_, {"init", "home", "--fleet", "lab"});
  test::NodeProcess node(home_);
  const std::string token = run(home_, {"invite", "phone"})["token"];
  const auto joined = run(phone_, {"join", node.join_address(), token});
  EXPECT_EQ(joined["node"], "phone");
  EXPECT_EQ(joined["fleet"], "lab");

  const auto well = run(phone_, {"doctor", node.address()});
  EXPECT_EQ(well["well"], true);
  EXPECT_EQ(well["peer"]["node"], "home");
  const auto known = run(phone_, {"list"})["known"];
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0]["address"], node.address());
  EXPECT_GT(known[0]["up_bytes_per_s"], 0);
  EXPECT_EQ(run(home_, {"list"})["known"][0]["node"], "phone");

  const test::TemporaryFolder elsewhere;
  test::expect_refused(refused(elsewhere / "thief", {"join", node.join_address(), token}), 1,
                       "was used");
  EXPECT_EQ(node.stop(), 0);
}

TEST_F(NodeCommandsTest, APauseDrainsARunningNode) {
  run(home_, {"init", "home"});
  test::NodeProcess node(home_);
  EXPECT_EQ(run(home_, {"list"})["activity"], "running");
  EXPECT_EQ(run(home_, {"pause", "--wait", "60"})["activity"], "paused");
  EXPECT_EQ(run(home_, {"list"})["activity"], "paused");
  run(home_, {"resume"});
  EXPECT_EQ(run(home_, {"list"})["activity"], "running");
}

TEST_F(NodeCommandsTest, TheDoctorFailsWithTheStepThatIsWrong) {
  run(home_, {"init", "home"});
  const test::Ran ran = refused(home_, {"doctor", "no-such-node.invalid:7443"});
  test::expect_refused(ran, 1, "step \"name\"");
  EXPECT_NE(ran.out.find("FAIL  name"), std::string::npos) << ran.out;
}

TEST_F(NodeCommandsTest, BadUseIsOneTrueLine) {
  test::expect_refused(refused(home_, {"list"}), 1, "verge node join");
  test::expect_refused(refused(home_, {"invite", "phone"}), 1, "verge node init");
  test::expect_refused(refused(phone_, {"join", "127.0.0.1:1", "verge1-x"}), 1, "token");
  run(home_, {"init", "home"});
  test::expect_refused(refused(home_, {"init", "home"}), 1, "authority");
  test::expect_refused(refused(home_, {"start", "--role", "king"}), 2, "king");
  test::expect_refused(refused(home_, {"forget", "phone"}), 1, "verge node list");
}

}  // namespace
}  // namespace verge::cli
