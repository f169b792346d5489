#include <gtest/gtest.h>

#include <verge/platform/net/identity/revocation_list.hpp>

#include "test_fleet.hpp"

namespace verge::net {
namespace {

using test::now_unix_s;
using test::TestFleet;

Result<RevocationList> parse_list(const std::string& pem, TestFleet& fleet) {
  return RevocationList::parse(pem, fleet.authority().certificate(), "x");
}

TEST(RevocationList, HoldsWhatTheAuthorityRevoked) {
  TestFleet fleet;
  std::vector<Revocation> revoked;
  std::vector<Credentials> nodes;
  for (int i = 0; i < 20; ++i) {
    nodes.push_back(fleet.node("edge"));
    revoked.push_back({nodes.back().facts().serial, now_unix_s() - i});
  }
  const Credentials other = fleet.node("edge");
  const auto list =
      parse_list(fleet.authority().sign_revocations(revoked, 20, now_unix_s()), fleet);
  ASSERT_TRUE(list.ok()) << list.error().message;
  EXPECT_EQ(list->size(), 20u);
  EXPECT_EQ(list->number(), 20);
  for (const Credentials& node : nodes) {
    const Status status = list->check(node.facts());
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, Code::Denied);
  }
  EXPECT_TRUE(list->check(other.facts()).ok());
  const auto again = parse_list(list->pem(), fleet);
  EXPECT_EQ(again->number(), 20);
}

TEST(RevocationList, IsEmptyWithoutOne) {
  TestFleet fleet;
  const auto none = parse_list("", fleet);
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->number(), 0);
  const auto empty = parse_list(fleet.authority().sign_revocations({}, 0, now_unix_s()), fleet);
  ASSERT_TRUE(empty.ok()) << empty.error().message;
  EXPECT_EQ(empty->size(), 0u);
}

TEST(RevocationList, OfAnotherFleetOrChangedIsRefused) {
  TestFleet fleet, other;
  const std::string pem = other.authority().sign_revocations({{"41", 1}}, 1, now_unix_s());
  EXPECT_EQ(parse_list(pem, fleet).error().code, Code::Denied);
  EXPECT_EQ(parse_list("no list", fleet).error().code, Code::Malformed);
  std::string changed = pem;
  const size_t middle = changed.size() / 2;
  changed[middle] = changed[middle] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(parse_list(changed, other).ok());
}

}  // namespace
}  // namespace verge::net
