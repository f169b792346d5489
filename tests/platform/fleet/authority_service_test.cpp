#include <thread>

#include <gtest/gtest.h>
#include <test_fleet.hpp>

#include <verge/platform/fleet/authority_service.hpp>
#include <verge/platform/net/link/channel_pair.hpp>

namespace verge::fleet {
namespace {

using test::now_unix_s;

class AuthorityServiceTest : public testing::Test {
 protected:
  // What a node with this certificate hears.
  Result<AuthorityNews> ask(const net::Credentials& node, const std::string& request) {
    net::ChannelPair ends = net::make_channel_pair();
    std::thread authority([&] {
      answered_ = answer_node(*ends.second, node.facts(), fleet_.authority(), tokens_,
                              now_unix_s() + 100, 60);
    });
    auto news = ask_authority(*ends.first, request, 60);
    authority.join();
    return news;
  }

  test::TestFleet fleet_;
  net::TokenBook tokens_ = std::move(*net::TokenBook::open(fleet_ / "tokens.sqlite"));
  Status answered_;
};

TEST_F(AuthorityServiceTest, RenewsWhatANodeIs) {
  net::Credentials node = fleet_.node("edge-1", 600, {"10.0.0.7", "edge.example"});
  ASSERT_TRUE(node.save(fleet_ / "node").ok());
  const net::CertificateFacts old = node.facts();
  const int64_t asked_unix_s = now_unix_s();
  const auto news = ask(node, node.renewal_request());
  ASSERT_TRUE(news.ok()) << news.error().message;
  ASSERT_TRUE(node.renew(fleet_ / "node", news->certificate).ok());
  EXPECT_EQ(node.facts().node, old.node);
  EXPECT_EQ(node.facts().hosts, old.hosts);
  EXPECT_NE(node.facts().serial, old.serial);
  EXPECT_EQ(node.facts().until_unix_s - node.facts().from_unix_s,
            old.until_unix_s - old.from_unix_s);
  const int64_t signed_unix_s = node.facts().from_unix_s - 100 + net::kClockSkew_s;
  EXPECT_GE(signed_unix_s, asked_unix_s);
  EXPECT_LE(signed_unix_s, now_unix_s());
  // It is noted with the one before, so that both can be revoked.
  EXPECT_EQ(*tokens_.revoke("edge-1", now_unix_s()), 2);
}

TEST_F(AuthorityServiceTest, TellsWhoWasRevoked) {
  const net::Credentials node = fleet_.node("edge-1"), lost = fleet_.node("edge-2");
  ASSERT_TRUE(tokens_.note_signed(lost.facts()).ok());
  ASSERT_EQ(*tokens_.revoke("edge-2", now_unix_s()), 1);
  const auto news = ask(node, "");
  ASSERT_TRUE(news.ok()) << news.error().message;
  EXPECT_EQ(news->certificate, "");
  const auto list = net::RevocationList::parse(news->revocations, node.authority(), "x");
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE(list->holds(lost.facts().serial));
  EXPECT_FALSE(list->holds(node.facts().serial));
}

// Even where its channel was opened before.
TEST_F(AuthorityServiceTest, WhoIsRevokedGetsNoOther) {
  const net::Credentials node = fleet_.node("edge-1");
  ASSERT_TRUE(tokens_.note_signed(node.facts()).ok());
  ASSERT_EQ(*tokens_.revoke("edge-1", now_unix_s()), 1);
  const auto news = ask(node, node.renewal_request());
  ASSERT_FALSE(news.ok());
  EXPECT_EQ(news.error().code, Code::Denied);
  EXPECT_NE(news.error().message.find("revoked"), std::string::npos);
}

// Of a book that was kept before certificates were noted.
TEST_F(AuthorityServiceTest, WhoIsRevokedByNameAloneGetsNoOtherAndIsOnTheList) {
  const net::Credentials node = fleet_.node("edge-1");
  ASSERT_EQ(*tokens_.revoke("edge-1", now_unix_s() + 5), 0);
  for (const std::string& request : {node.renewal_request(), std::string()}) {
    const auto news = ask(node, request);
    ASSERT_FALSE(news.ok());
    EXPECT_EQ(news.error().code, Code::Denied);
    EXPECT_NE(news.error().message.find("revoked"), std::string::npos);
  }
  const auto heard = ask(fleet_.node("edge-2"), "");
  ASSERT_TRUE(heard.ok()) << heard.error().message;
  const auto list = net::RevocationList::parse(heard->revocations, node.authority(), "x");
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE(list->holds(node.facts().serial));
}

TEST_F(AuthorityServiceTest, NonsenseIsToldSo) {
  const net::Credentials node = fleet_.node("edge-1");
  const auto news = ask(node, "no request");
  ASSERT_FALSE(news.ok());
  EXPECT_EQ(news.error().code, Code::Denied);
  EXPECT_NE(news.error().message.find("certificate request"), std::string::npos);
  EXPECT_EQ(answered_.error().code, Code::Malformed);

  net::ChannelPair ends = net::make_channel_pair();
  ASSERT_TRUE(ends.first->send({.kind = 77, .body = "x"}).ok());
  EXPECT_EQ(answer_node(*ends.second, node.facts(), fleet_.authority(), tokens_, now_unix_s(), 60)
                .error()
                .code,
            Code::Malformed);
  ASSERT_TRUE(ends.second->send({.kind = 99, .body = "x"}).ok());
  EXPECT_EQ(ask_authority(*ends.first, "", 60).error().code, Code::Denied);
}

}  // namespace
}  // namespace verge::fleet
