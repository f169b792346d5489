#include <gtest/gtest.h>

#include <verge/platform/net/identity/certificate.hpp>

#include "test_fleet.hpp"

namespace verge::net {
namespace {

using test::now_unix_s;
using test::TestFleet;

Trust trust_in(TestFleet& fleet, const std::string& host) {
  return {.authority = fleet.authority().certificate(),
          .host = host,
          .node = "",
          .now_unix_s = now_unix_s()};
}

TEST(Certificate, SaysWhoseItIs) {
  TestFleet fleet;
  const auto own = fleet.node("edge-1", 3600, {"edge-1.example", "10.0.0.7"});
  const auto facts = read_certificate(own.certificate(), "x");
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->node, "edge-1");
  EXPECT_EQ(facts->fleet, "home");
  const std::vector<std::string> hosts = {"localhost", "127.0.0.1", "::1", "edge-1.example",
                                          "10.0.0.7"};
  EXPECT_EQ(facts->hosts, hosts);
  EXPECT_EQ(facts->fingerprint.size(), 64u);
  EXPECT_GT(facts->until_unix_s, now_unix_s());
  EXPECT_NE(facts->serial, fleet.node("edge-1").facts().serial);
}

TEST(Certificate, OneOfTheFleetAndHostIsBelieved) {
  TestFleet fleet;
  const auto own = fleet.node("edge-1", 3600, {"edge-1.example", "10.0.0.7"});
  for (const char* host : {"localhost", "127.0.0.1", "::1", "edge-1.example", "10.0.0.7", ""}) {
    const auto peer = verify_server(own.certificate(), trust_in(fleet, host), host);
    ASSERT_TRUE(peer.ok()) << peer.error().message;
    EXPECT_EQ(peer->node, "edge-1");
  }
}

void expect_denied(const Result<CertificateFacts>& peer, const std::string& why) {
  ASSERT_FALSE(peer.ok()) << why;
  EXPECT_EQ(peer.error().code, Code::Denied);
  EXPECT_NE(peer.error().message.find(why), std::string::npos) << peer.error().message;
}

TEST(Certificate, OthersAreRefusedForWhatIsWrong) {
  TestFleet fleet, other("away");
  const auto own = fleet.node("edge-1");
  expect_denied(verify_server(own.certificate(), trust_in(fleet, "edge-2.example"), "there"),
                "not for edge-2.example");
  expect_denied(verify_server(own.certificate(), trust_in(fleet, "10.0.0.8"), "there"),
                "not for 10.0.0.8");
  expect_denied(verify_server(own.certificate(), trust_in(other, "localhost"), "there"),
                "signed by \"home\" and not by the authority of this node's fleet, \"away\"");
  expect_denied(verify_server(fleet.node("old", -60).certificate(), trust_in(fleet, ""), "there"),
                "expired");
  Trust early = trust_in(fleet, "");
  early.now_unix_s -= 1000 * 86400;
  expect_denied(verify_server(own.certificate(), early, "there"), "set the clock");
  Trust meant = trust_in(fleet, "");
  meant.node = "edge-2";
  expect_denied(verify_server(own.certificate(), meant, "there"), "is node \"edge-1\", not");
  expect_denied(verify_server("", trust_in(fleet, ""), "there"), "no certificate");
}

// Of the same name, so that only the signature differs.
TEST(Certificate, AnAuthorityOfTheSameNameIsAnotherOne) {
  TestFleet fleet, forged;
  expect_denied(verify_server(forged.node("edge-1").certificate(), trust_in(fleet, ""), "there"),
                "not by the authority");
}

TEST(Certificate, OneInAChainIsFoundByItsFingerprint) {
  TestFleet fleet, other;
  const std::string chain = fleet.node("a").certificate() + fleet.authority().certificate();
  const auto found = find_by_fingerprint(chain, fleet.authority().fingerprint(), "there");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, fleet.authority().certificate());
  const auto none = find_by_fingerprint(chain, other.authority().fingerprint(), "there");
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.error().message.find(fleet.authority().fingerprint()), std::string::npos);
}

TEST(Certificate, NamesAreChecked) {
  for (const char* name : {"a", "edge-1", "A_b.c", "0"}) EXPECT_TRUE(check_node_name(name).ok());
  for (const std::string& name : {std::string(), std::string(65, 'a'), std::string("a b"),
                                  std::string("a/b"), std::string("a\n"), std::string("ä")}) {
    EXPECT_FALSE(check_node_name(name).ok()) << name;
  }
}

TEST(Certificate, TimesAreShownInUtc) {
  EXPECT_EQ(show_time(0), "1970-01-01 00:00 UTC");
  EXPECT_EQ(show_time(951782399), "2000-02-28 23:59 UTC");
}

TEST(Certificate, AddressesAreToldFromNames) {
  for (const char* address : {"127.0.0.1", "::1", "2001:db8::5"}) {
    EXPECT_TRUE(is_ip_address(address));
  }
  for (const char* name : {"localhost", "256.0.0.1", "[::1]", ""})
    EXPECT_FALSE(is_ip_address(name));
}

}  // namespace
}  // namespace verge::net
