#include <gtest/gtest.h>
#include <test_fleet.hpp>

#include <verge/platform/fleet/doctor.hpp>
#include <verge/platform/fleet/node_host.hpp>

namespace verge::fleet {
namespace {

std::unique_ptr<NodeHost> start_node(const net::Credentials& own) {
  auto host = NodeHost::start(own, {.node = own.facts().node, .software = "0.1.0", .cores = 3},
                              test::now_unix_s(), {}, {}, [](const auto&, const auto&) {});
  EXPECT_TRUE(host) << host.error().message;
  return std::move(*host);
}

Diagnosis examine(const std::string& address, const net::Credentials& own, int64_t now) {
  const SystemClock clock;
  return diagnose(address, own, {.capability = {.node = own.facts().node, .software = "0.1.0"}},
                  clock, now);
}

std::string last_step(const Diagnosis& diagnosis) {
  return diagnosis.findings.back().step;
}

TEST(Doctor, FindsAHealthyNodeWell) {
  test::TestFleet fleet;
  const auto host = start_node(fleet.node("cloud"));
  const Diagnosis diagnosis =
      examine(fmt::format("127.0.0.1:{}", host->port()), fleet.node("phone"), test::now_unix_s());
  for (const Finding& finding : diagnosis.findings) EXPECT_TRUE(finding.is_well) << finding.text;
  EXPECT_EQ(last_step(diagnosis), "link");
  ASSERT_TRUE(diagnosis.peer && diagnosis.link);
  EXPECT_EQ(diagnosis.peer->capability.cores, 3);
  EXPECT_GT(diagnosis.link->up_bytes_per_s, 0);
}

TEST(Doctor, StopsAtWhatIsWrong) {
  test::TestFleet fleet, other("other");
  auto host = start_node(fleet.node("cloud"));
  const std::string address = fmt::format("127.0.0.1:{}", host->port());
  const net::Credentials own = fleet.node("phone");

  const Diagnosis expired = examine(address, own, test::now_unix_s() + 7200);
  EXPECT_EQ(last_step(expired), "this node");
  EXPECT_FALSE(expired.is_well());
  EXPECT_EQ(last_step(examine("cloud", own, test::now_unix_s())), "name");
  EXPECT_EQ(last_step(examine("no-such-node.invalid:1", own, test::now_unix_s())), "name");
  const Diagnosis stranger = examine(address, other.node("phone"), test::now_unix_s());
  EXPECT_EQ(last_step(stranger), "certificates");
  EXPECT_FALSE(stranger.is_well());

  host.reset();
  const Diagnosis gone = examine(address, own, test::now_unix_s());
  EXPECT_EQ(last_step(gone), "network");
  EXPECT_NE(gone.findings.back().text.find("verge node start"), std::string::npos);
}

}  // namespace
}  // namespace verge::fleet
