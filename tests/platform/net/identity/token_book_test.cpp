#include <atomic>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include <verge/platform/net/identity/token_book.hpp>
#include <verge/platform/store/sha256.hpp>

#include "temporary_folder.hpp"

namespace verge::net {
namespace {

const std::string kAuthority = store::sha256("an authority");
constexpr int64_t kNow = 1'800'000'000;

Invitation invitation() {
  return {.node = "edge-1",
          .hosts = {"edge-1.example", "10.0.0.7"},
          .until_unix_s = kNow + 60,
          .certificate_life_s = 86400};
}

void expect_refused(const auto& answer, const std::string& why) {
  ASSERT_FALSE(answer.ok()) << why;
  EXPECT_EQ(answer.error().code, Code::Denied);
  EXPECT_NE(answer.error().message.find(why), std::string::npos) << answer.error().message;
}

class TokenBookTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = TokenBook::open(folder_ / "tokens.sqlite");
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    book_.emplace(std::move(opened).value());
  }
  JoinToken issue() { return book_->issue(invitation(), kAuthority).value(); }

  test::TemporaryFolder folder_;
  std::optional<TokenBook> book_;
};

TEST_F(TokenBookTest, ATokenIsGoodOnce) {
  const JoinToken token = issue();
  const auto who = book_->redeem(token, kAuthority, kNow);
  ASSERT_TRUE(who.ok()) << who.error().message;
  EXPECT_EQ(who->node, "edge-1");
  EXPECT_EQ(who->hosts, invitation().hosts);
  EXPECT_EQ(who->certificate_life_s, 86400);
  expect_refused(book_->redeem(token, kAuthority, kNow), "was used at 2027-01-15 08:00 UTC");
  auto again = TokenBook::open(folder_ / "tokens.sqlite");
  ASSERT_TRUE(again.ok());
  expect_refused(again->redeem(token, kAuthority, kNow), "was used");
}

TEST_F(TokenBookTest, EachRefusalSaysWhy) {
  const JoinToken token = issue();
  expect_refused(book_->redeem(token, kAuthority, kNow + 61), "expired");
  expect_refused(book_->redeem(token, store::sha256("another"), kNow), "for another fleet");
  JoinToken forged = token;
  forged.secret[3] ^= 1;
  expect_refused(book_->redeem(forged, kAuthority, kNow), "not given out by this fleet");
  expect_refused(book_->redeem(JoinToken::make(kAuthority), kAuthority, kNow), "not given out");
  EXPECT_TRUE(book_->redeem(token, kAuthority, kNow + 60).ok());  // no refusal uses it up
}

TEST_F(TokenBookTest, BadNamesGetNoToken) {
  Invitation bad = invitation();
  bad.hosts = {"a b"};
  EXPECT_EQ(book_->issue(bad, kAuthority).error().code, Code::InvalidArgument);
  bad = invitation();
  bad.certificate_life_s = 0;
  EXPECT_EQ(book_->issue(bad, kAuthority).error().code, Code::InvalidArgument);
}

TEST_F(TokenBookTest, ANodeIsRevokedWithAllThatItHas) {
  for (const char* serial : {"41", "42"}) {
    ASSERT_TRUE(book_->note_signed({.node = "edge-1", .serial = serial}).ok());
  }
  ASSERT_TRUE(book_->note_signed({.node = "edge-2", .serial = "43"}).ok());
  const JoinToken unused = issue();
  EXPECT_TRUE(book_->revoked()->empty());
  EXPECT_EQ(*book_->revoke("edge-1", kNow), 2);
  const auto revoked = book_->revoked();
  ASSERT_TRUE(revoked.ok() && revoked->size() == 2);
  EXPECT_EQ(revoked->front().serial, "41");
  EXPECT_EQ(revoked->front().at_unix_s, kNow);
  expect_refused(book_->redeem(unused, kAuthority, kNow), "expired");
  // Who joins again under the name is not put out with the old one.
  const auto signed_at = [](int64_t unix_s, const char* serial) {
    return CertificateFacts{
        .node = "edge-1", .from_unix_s = unix_s - kClockSkew_s, .serial = serial};
  };
  ASSERT_TRUE(book_->note_signed(signed_at(kNow, "44")).ok());
  EXPECT_EQ(book_->revoked()->size(), 2u);
  // A certificate of before that is noted only now is.
  ASSERT_TRUE(book_->note_signed(signed_at(kNow - 1, "45")).ok());
  ASSERT_EQ(book_->revoked()->size(), 3u);
  EXPECT_EQ(book_->revoked()->back().serial, "45");
  EXPECT_EQ(*book_->revoke("nobody", kNow), 0);
}

TEST_F(TokenBookTest, WhoIsRevokedWhileItJoinsIsNotLetIn) {
  const JoinToken token = issue(), later = issue();
  const auto facts = [](const char* serial) {
    return CertificateFacts{.node = "edge-1", .from_unix_s = kNow - kClockSkew_s, .serial = serial};
  };
  ASSERT_TRUE(book_->redeem(token, kAuthority, kNow).ok());
  EXPECT_EQ(*book_->revoke("edge-1", kNow), 0);
  expect_refused(book_->note_joined(token, facts("41")), "taken back");
  EXPECT_EQ(*book_->revoke("edge-1", kNow), 0);  // it was not noted
  // Who was invited after that is.
  const JoinToken again = issue();
  ASSERT_TRUE(book_->redeem(again, kAuthority, kNow).ok());
  EXPECT_TRUE(book_->note_joined(again, facts("42")).ok());
  EXPECT_EQ(*book_->revoke("edge-1", kNow), 1);
  expect_refused(book_->redeem(later, kAuthority, kNow), "expired");
}

TEST_F(TokenBookTest, AnOlderBookIsTakenOver) {
  const JoinToken token = issue();
  {
    auto database = store::Database::open(folder_ / "tokens.sqlite", store::Database::Mode::Create);
    ASSERT_TRUE(database && database->run("DROP TABLE certificate; DROP TABLE "
                                          "revoked_node; PRAGMA user_version = 1"));
  }
  auto again = TokenBook::open(folder_ / "tokens.sqlite");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_TRUE(again->redeem(token, kAuthority, kNow).ok());
  EXPECT_TRUE(again->note_signed({.node = "edge-1", .serial = "41"}).ok());
}

TEST_F(TokenBookTest, TheFileHoldsNoSecret) {
  const JoinToken token = issue();
  std::ifstream file(folder_ / "tokens.sqlite", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(bytes.find(token.id), std::string::npos);
  EXPECT_EQ(bytes.find(std::string(token.secret.begin(), token.secret.end())), std::string::npos);
  EXPECT_EQ(bytes.find(token.text()), std::string::npos);
}

// Two processes are as two books on one file.
TEST_F(TokenBookTest, OneOfManyAtOnceGetsIn) {
  const JoinToken token = issue();
  std::atomic<int> let_in = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      auto book = TokenBook::open(folder_ / "tokens.sqlite");
      if (book && book->redeem(token, kAuthority, kNow)) ++let_in;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(let_in, 1);
}

}  // namespace
}  // namespace verge::net
