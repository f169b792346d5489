#include <filesystem>

#include <gtest/gtest.h>

#include <verge/platform/net/identity/credentials.hpp>

#include "test_fleet.hpp"

namespace verge::net {
namespace {

using test::now_unix_s;
using test::TestFleet;

TEST(Credentials, ComeBackFromTheirFolder) {
  TestFleet fleet;
  const Credentials own = fleet.node("edge-1");
  const std::string folder = fleet / "node";
  ASSERT_TRUE(own.save(folder).ok());
  const auto again = Credentials::load(folder);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->key(), own.key());
  EXPECT_EQ(again->certificate(), own.certificate());
  EXPECT_EQ(again->authority(), own.authority());
  EXPECT_EQ(again->facts().node, "edge-1");
  namespace fs = std::filesystem;
  EXPECT_EQ(fs::status(folder + "/node.key").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(own.save(folder).error().code, Code::Conflict);
}

TEST(Credentials, WhatDoesNotBelongTogetherIsRefused) {
  TestFleet fleet, other;
  const Credentials a = fleet.node("a"), b = fleet.node("b");
  const auto wrong_key = Credentials::make(b.key(), a.certificate(), a.authority(), "node");
  ASSERT_FALSE(wrong_key.ok());
  EXPECT_NE(wrong_key.error().message.find("not the key"), std::string::npos);
  const auto wrong_authority =
      Credentials::make(a.key(), a.certificate(), other.authority().certificate(), "node");
  ASSERT_FALSE(wrong_authority.ok());
  EXPECT_NE(wrong_authority.error().message.find("not signed by"), std::string::npos);
  EXPECT_EQ(Credentials::make("", a.certificate(), a.authority(), "node").error().code,
            Code::Malformed);
  EXPECT_EQ(Credentials::load(fleet / "nowhere").error().code, Code::NotFound);
}

TEST(Credentials, AreCheckedAgainstTheCalendar) {
  TestFleet fleet;
  const Credentials own = fleet.node("edge-1", 600);
  EXPECT_TRUE(own.check_valid(now_unix_s()).ok());
  EXPECT_TRUE(own.check_valid(own.facts().until_unix_s).ok());
  const Status late = own.check_valid(own.facts().until_unix_s + 1);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Code::Denied);
  EXPECT_NE(late.error().message.find("join again"), std::string::npos);
  const Status early = own.check_valid(own.facts().from_unix_s - 1);
  ASSERT_FALSE(early.ok());
  EXPECT_NE(early.error().message.find("clock"), std::string::npos);
}

TEST(Credentials, ARequestIsMadeForANodesNameOnly) {
  EXPECT_TRUE(make_request("edge-1").ok());
  EXPECT_EQ(make_request("edge 1").error().code, Code::InvalidArgument);
}

TEST(Credentials, AreRenewedForTheSameKey) {
  TestFleet fleet, other;
  const std::string folder = fleet / "node";
  Credentials own = fleet.node("edge-1", 600);
  ASSERT_TRUE(own.save(folder).ok());
  const auto signed_for = [&](TestFleet& by, const std::string& node, std::string_view request) {
    return *by.authority().sign(
        request, {.node = node, .from_unix_s = now_unix_s(), .until_unix_s = now_unix_s() + 9000});
  };
  const std::string renewed = signed_for(fleet, "edge-1", own.renewal_request());
  ASSERT_TRUE(own.renew(folder, renewed).ok());
  EXPECT_GT(own.facts().until_unix_s, now_unix_s() + 8000);
  const auto again = Credentials::load(folder);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->facts().serial, own.facts().serial);
  // Of another node, another key, another fleet.
  EXPECT_EQ(own.renew(folder, signed_for(fleet, "edge-2", own.renewal_request())).error().code,
            Code::Denied);
  EXPECT_EQ(own.renew(folder, signed_for(fleet, "edge-1", make_request("x")->request)).error().code,
            Code::Malformed);
  EXPECT_EQ(own.renew(folder, signed_for(other, "edge-1", own.renewal_request())).error().code,
            Code::Malformed);
  EXPECT_EQ(Credentials::load(folder)->facts().serial, again->facts().serial);
}

TEST(Credentials, KeepTheNewestListOfRevoked) {
  TestFleet fleet, other;
  const std::string folder = fleet / "node";
  Credentials own = fleet.node("edge-1");
  ASSERT_TRUE(own.save(folder).ok());
  const auto list = [](TestFleet& by, const char* serial, int64_t number) {
    return by.authority().sign_revocations({{serial, now_unix_s()}}, number, now_unix_s());
  };
  ASSERT_TRUE(own.take_revocations(folder, list(fleet, "41", 2)).ok());
  EXPECT_TRUE(own.revoked().holds("41"));
  ASSERT_TRUE(own.take_revocations(folder, list(fleet, "42", 1)).ok());  // played again
  EXPECT_TRUE(own.revoked().holds("41"));
  EXPECT_EQ(own.take_revocations(folder, list(other, "43", 9)).error().code, Code::Denied);
  EXPECT_TRUE(Credentials::load(folder)->revoked().holds("41"));
  // Who was put out is, also where there is no room to write it down.
  EXPECT_FALSE(own.take_revocations(fleet / "nowhere", list(fleet, "44", 3)).ok());
  EXPECT_TRUE(own.revoked().holds("44"));
}

}  // namespace
}  // namespace verge::net
