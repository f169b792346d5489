#include <gtest/gtest.h>

#include <verge/platform/net/identity/join_token.hpp>
#include <verge/platform/store/sha256.hpp>

namespace verge::net {
namespace {

const std::string kFingerprint = store::sha256("an authority");

TEST(JoinToken, ComesBackFromItsText) {
  const JoinToken token = JoinToken::make(kFingerprint);
  const auto again = JoinToken::parse(token.text() + "\n");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->authority, kFingerprint);
  EXPECT_EQ(again->id, token.id);
  EXPECT_EQ(again->secret, token.secret);
  EXPECT_EQ(again->secret_hash(), token.secret_hash());
  EXPECT_EQ(token.text().size(), 87u);
}

TEST(JoinToken, NoTwoAreAlike) {
  const JoinToken a = JoinToken::make(kFingerprint), b = JoinToken::make(kFingerprint);
  EXPECT_NE(a.id, b.id);
  EXPECT_NE(a.secret, b.secret);
}

TEST(JoinToken, EveryWrongCharacterIsSeen) {
  const std::string text = JoinToken::make(kFingerprint).text();
  for (size_t at = 0; at < text.size(); ++at) {
    for (int other = 0; other < 256; ++other) {
      std::string wrong = text;
      wrong[at] = static_cast<char>(other);
      EXPECT_EQ(JoinToken::parse(wrong).ok(), wrong == text) << wrong;
    }
    EXPECT_EQ(JoinToken::parse(text.substr(0, at)).error().code, Code::Malformed);
  }
  EXPECT_FALSE(JoinToken::parse(text + "A").ok());
  EXPECT_FALSE(JoinToken::parse(std::string(100'000, 'A')).ok());
}

}  // namespace
}  // namespace verge::net
