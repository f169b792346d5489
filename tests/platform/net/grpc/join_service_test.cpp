#include <optional>

#include <gtest/gtest.h>

#include <verge/platform/net/grpc/grpc_channel.hpp>
#include <verge/platform/net/grpc/join_service.hpp>

#include "manual_clock.hpp"
#include "test_fleet.hpp"
#include "test_grpc_server.hpp"

namespace verge::net {
namespace {

using test::now_unix_s;
using test::TestFleet;

class JoinServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto book = TokenBook::open(fleet_ / "tokens.sqlite");
    ASSERT_TRUE(book.ok()) << book.error().message;
    book_.emplace(std::move(book).value());
    auto service =
        JoinService::start(fleet_.node("cloud"), fleet_.authority(), *book_, calendar_, {});
    ASSERT_TRUE(service.ok()) << service.error().message;
    service_ = std::move(service).value();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(service_->port()); }
  JoinToken token_for(const std::string& node) {
    return book_
        ->issue({.node = node,
                 .hosts = {"10.0.0.7"},
                 .until_unix_s = now_unix_s() + 600,
                 .certificate_life_s = 3600},
                fleet_.authority().fingerprint())
        .value();
  }
  void expect_refused(const JoinToken& token, const std::string& why) {
    const auto joined = join(address(), token, now_unix_s());
    ASSERT_FALSE(joined.ok()) << why;
    EXPECT_EQ(joined.error().code, Code::Denied) << joined.error().message;
    EXPECT_NE(joined.error().message.find(why), std::string::npos) << joined.error().message;
  }

  TestFleet fleet_;
  test::ManualClock calendar_{static_cast<double>(now_unix_s())};
  std::optional<TokenBook> book_;
  std::unique_ptr<JoinService> service_;
};

TEST_F(JoinServiceTest, ANodeThatJoinedIsOfTheFleet) {
  const auto joined = join(address(), token_for("edge-1"), now_unix_s());
  ASSERT_TRUE(joined.ok()) << joined.error().message;
  EXPECT_EQ(joined->facts().node, "edge-1");
  EXPECT_EQ(joined->facts().hosts.back(), "10.0.0.7");
  EXPECT_EQ(joined->authority(), fleet_.authority().certificate());
  ASSERT_TRUE(joined->save(fleet_ / "node").ok());
  const auto own = Credentials::load(fleet_ / "node");
  ASSERT_TRUE(own.ok());
  test::TestGrpcServer server(fleet_.node("cloud"));
  EXPECT_TRUE(dial(server.address(), *own, now_unix_s()).ok());
  test::TestGrpcServer own_server(*own);
  EXPECT_TRUE(dial(own_server.address(), fleet_.node("cloud"), now_unix_s()).ok());
}

TEST_F(JoinServiceTest, ATokenIsGoodOnce) {
  const JoinToken token = token_for("edge-1");
  ASSERT_TRUE(join(address(), token, now_unix_s()).ok());
  expect_refused(token, "was used");
}

TEST_F(JoinServiceTest, ExpiredAndForgedTokensAreRefused) {
  const JoinToken token = token_for("edge-1");
  JoinToken forged = token;
  forged.secret[0] ^= 1;
  expect_refused(forged, "not given out by this fleet");
  calendar_.advance(3600);
  expect_refused(token, "expired");
}

// The node finds out by itself, before it shows the token.
TEST_F(JoinServiceTest, ATokenOfAnotherFleetIsNotShown) {
  TestFleet other("away");
  JoinToken token = token_for("edge-1");
  token.authority = other.authority().fingerprint();
  expect_refused(token, "the token was made by " + other.authority().fingerprint());
  token.authority = fleet_.authority().fingerprint();
  EXPECT_TRUE(join(address(), token, now_unix_s()).ok());
}

// Somebody with another authority who passes on the right one's certificate.
TEST_F(JoinServiceTest, AServerThatTheAuthorityDidNotSignGetsNoToken) {
  TestFleet impostor;
  const Credentials own = impostor.node("cloud");
  const auto mixed = Credentials::make(
      own.key(), own.certificate() + fleet_.authority().certificate(), own.authority(), "x");
  ASSERT_TRUE(mixed.ok());
  const JoinToken token = token_for("edge-1");
  auto fake = JoinService::start(*mixed, fleet_.authority(), *book_, calendar_, {});
  ASSERT_TRUE(fake.ok());
  const auto joined = join("127.0.0.1:" + std::to_string((*fake)->port()), token, now_unix_s());
  ASSERT_FALSE(joined.ok());
  EXPECT_EQ(joined.error().code, Code::Denied);
  EXPECT_TRUE(join(address(), token, now_unix_s()).ok());  // it was not used up
}

TEST_F(JoinServiceTest, NobodyAnswers) {
  service_.reset();
  const auto joined = join("127.0.0.1:1", token_for("a"), now_unix_s());
  ASSERT_FALSE(joined.ok());
  EXPECT_EQ(joined.error().code, Code::Io);
  EXPECT_NE(joined.error().message.find("nothing listens"), std::string::npos);
}

}  // namespace
}  // namespace verge::net
