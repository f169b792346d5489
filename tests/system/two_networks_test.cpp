// Two nodes on two networks with a cable between them: an answer that both make, and what becomes
// of it, and of the doctor's opinion, when the cable, its packets or its addresses change.

#include <eventually.hpp>
#include <network_pair.hpp>
#include <system_process.hpp>

#include "answer_check.hpp"
#include "slow_model.hpp"

namespace verge {
namespace {

using nlohmann::json;
using test::json_of;
using test::NetworkPair;
using test::SystemProcess;

constexpr const char* kCablePrompt = "the and of to in";
constexpr const char* kCloudName = "cloud.example";
constexpr int kPort = 7443, kJoinPort = 7444;
constexpr int kWidth = 768;  // some 10 ms a token at the edge

class TwoNetworks : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (NetworkPair::unavailable().empty()) world_ = std::make_unique<World>();
  }
  static void TearDownTestSuite() { world_.reset(); }
  void SetUp() override {
    if (!world_) GTEST_SKIP() << NetworkPair::unavailable();
  }

  struct World {
    World() {
      json_of({"fit", "split", model, "-o", folder / "edge.gguf", folder / "cloud.gguf"});
      json_of({"node", "init", "cloud", "--dir", folder / "cloud", "--host", NetworkPair::kCloudV4,
               "--host", NetworkPair::kCloudV6, "--host", kCloudName});
      net.name_cloud(kCloudName);
      cloud = std::make_unique<SystemProcess>(
          test::verge_words({"node", "start", "--dir", folder / "cloud", "--no-measure", "--json",
                             "--collab", folder / "cloud.gguf", "--threads", "1"}),
          net.cloud());
      EXPECT_TRUE(test::eventually([&] { return cloud->json().is_object() || cloud->wait(0); }))
          << cloud->err();
      const std::string token =
          json_of({"node", "invite", "edge", "--dir", folder / "cloud"})["token"];
      json_of({"node", "join", fmt::format("{}:{}", NetworkPair::kCloudV4, kJoinPort), token,
               "--dir", folder / "edge"},
              net.edge());
    }

    test::TemporaryFolder folder;
    NetworkPair net;
    std::string model = test_system::write_slow_model(folder, kWidth);
    std::unique_ptr<SystemProcess> cloud;
  };

  NetworkPair& net() { return world_->net; }
  static std::string address(const std::string& host = NetworkPair::kCloudV4, int port = kPort) {
    return (host.find(':') == host.npos ? host : "[" + host + "]") + fmt::format(":{}", port);
  }
  std::vector<std::string> run_words(const std::string& cloud, int tokens,
                                     const std::string& deadline_s = "0.5") {
    return {"run",
            world_->folder / "edge.gguf",
            "--cloud",
            cloud,
            "-p",
            kCablePrompt,
            "-n",
            fmt::format("{}", tokens),
            "--temp",
            "0",
            "--theta1",
            "1",
            "--theta2",
            "1",
            "--codec",
            "f32",
            "--deadline",
            deadline_s,
            "--ignore-end",
            "--threads",
            "1",
            "--dir",
            world_->folder / "edge"};
  }
  json run(const std::string& cloud, int tokens) {
    return json_of(run_words(cloud, tokens, "30"), net().edge());
  }
  // The finding that the doctor ends with.
  json diagnosis(const std::string& to) {
    auto words =
        test::verge_words({"node", "doctor", to, "--dir", world_->folder / "edge", "--json"});
    const std::string inside[] = {"ip", "netns", "exec", net().edge()};
    words.insert(words.begin(), std::begin(inside), std::end(inside));
    SystemProcess doctor(words);
    EXPECT_TRUE(doctor.wait(60).has_value());
    const json said = doctor.json();
    EXPECT_TRUE(said.is_object()) << doctor.err();
    return said.is_object() ? said["findings"].back() : json::object();
  }
  void expect_diagnosis(const std::string& to, const std::string& step, const std::string& text) {
    const json found = diagnosis(to);
    EXPECT_EQ(found.value("step", ""), step) << found;
    EXPECT_NE(found.value("text", "").find(text), std::string::npos) << found;
  }
  void expect_all_from_the_cloud(const json& answer, int tokens) {
    EXPECT_EQ(answer["places"]["cloud"], tokens) << answer.dump();
    EXPECT_EQ(answer["tokens"].size(), static_cast<size_t>(tokens));
  }

  static std::unique_ptr<World> world_;
};
std::unique_ptr<TwoNetworks::World> TwoNetworks::world_;

TEST_F(TwoNetworks, ACableThatIsPulledOutInMidAnswerDegradesItUntilItIsBack) {
  constexpr int kTokens = 360;
  test_system::AnswerCheck check(world_->model, kCablePrompt);
  auto words = run_words(address(), kTokens);
  words.emplace_back("--json");
  const int64_t before = net().edge_bytes();
  SystemProcess edge(test::verge_words(words), net().edge());
  // The states of some fifty tokens have left.
  ASSERT_TRUE(test::eventually([&] { return net().edge_bytes() - before > 50 * kWidth * 4; }));
  ASSERT_FALSE(edge.wait(0)) << edge.err();
  net().set_cable(false);
  EXPECT_FALSE(edge.wait(1)) << edge.out();  // the time that it is out
  net().set_cable(true);
  ASSERT_EQ(edge.wait(60).value_or(-1), 0) << edge.err();
  const json answer = edge.json();
  const auto counts = check.check(answer);
  EXPECT_EQ(counts.all(), kTokens);
  EXPECT_GT(counts.degraded, 10);
  const auto reasons = test_system::reasons_of(answer);
  const auto is_degraded = [](const std::string& reason) { return reason != "asked"; };
  const auto first = std::ranges::find_if(reasons, is_degraded);
  EXPECT_GT(first - reasons.begin(), 20);
  EXPECT_EQ(*first, "timed out");
  // One is waited for; the others are not, until a probe comes back.
  EXPECT_LE(std::ranges::count(reasons, "timed out"), 3);
  EXPECT_EQ(reasons.back(), "asked") << counts.degraded;
}

// It waits for the first link, and for nothing more: not at its end either. A dial is given up
// after 10 s.
TEST_F(TwoNetworks, AnAnswerDoesNotWaitForACloudThatIsSilent) {
  net().set_dropped(true);
  auto words = run_words(address(), 8);
  words.emplace_back("--json");
  SystemProcess edge(test::verge_words(words), net().edge());
  EXPECT_EQ(edge.wait(9.5).value_or(-1), 0) << edge.err();
  EXPECT_NE(edge.err().find("without the cloud"), std::string::npos) << edge.err();
  EXPECT_EQ(edge.json()["places"]["degraded"], 8);
  net().set_dropped(false);
}

TEST_F(TwoNetworks, SmallPacketsCarryIt) {
  net().set_mtu(1280);  // the least of IPv6
  expect_all_from_the_cloud(run(address(), 8), 8);
  net().set_mtu(576);  // IPv6 ends here
  expect_all_from_the_cloud(run(address(), 8), 8);
  EXPECT_EQ(diagnosis(address()).value("step", ""), "link");
  net().set_mtu(1500);
  net().add_addresses();
}

TEST_F(TwoNetworks, WithoutIpv4TheyMeetByIpv6) {
  net().remove_v4();
  expect_diagnosis(address(NetworkPair::kCloudV6), "link", "round trip");
  expect_all_from_the_cloud(run(address(NetworkPair::kCloudV6), 8), 8);
  expect_diagnosis(address(), "network", "no route");
  net().add_addresses();
}

// A name with an address of each kind is dialled by the one that answers.
TEST_F(TwoNetworks, ANameOfBothKindsIsDialledByEither) {
  const std::string to = address(kCloudName);
  net().set_dropped(true);
  expect_diagnosis(to, "link", "round trip");
  net().set_dropped(false);
  net().ip(fmt::format("-n {} -6 addr flush dev cable", net().cloud()));
  expect_diagnosis(to, "link", "round trip");
  net().add_addresses();
}

TEST_F(TwoNetworks, TheDoctorTellsRefusedFromDroppedFromUnplugged) {
  expect_diagnosis(address(), "link", "round trip");
  expect_diagnosis(address(NetworkPair::kCloudV4, kPort + 2), "network", "nothing listens there");
  net().set_dropped(true);
  expect_diagnosis(address(), "network", "a firewall drops the packets");
  net().set_dropped(false);
  expect_diagnosis("10.77.0.9:7443", "network", "nobody answers at that address");
  expect_diagnosis("192.0.2.1:7443", "network", "no route");
  expect_diagnosis(address(), "link", "round trip");
}

}  // namespace
}  // namespace verge
