// Certificates and tokens as users meet them: those that ended, were used or taken back, and those
// that are renewed. Nodes are processes of their own, and handshakes real ones.

#include <filesystem>

#include <CLI/CLI.hpp>
#include <command_line.hpp>
#include <gtest/gtest.h>
#include <node_process.hpp>

#include <verge/cli/node_renewal.hpp>
#include <verge/platform/net/identity/token_book.hpp>

namespace verge::cli {
namespace {

constexpr int64_t kDay = 86400;

class NodeRenewalTest : public testing::Test {
 protected:
  void SetUp() override { run(home_, {"init", "home", "--fleet", "lab"}); }

  static test::Ran call(const std::string& folder, std::vector<std::string> words) {
    words.insert(words.begin(), "node");
    words.insert(words.end(), {"--dir", folder});
    return test::run_verge(std::move(words));
  }
  static nlohmann::json run(const std::string& folder, std::vector<std::string> words) {
    words.insert(words.begin(), "node");
    words.insert(words.end(), {"--dir", folder});
    return test::run_json(std::move(words));
  }
  static bool is_refused(const std::string& folder, std::vector<std::string> words,
                         const std::string& why) {
    const test::Ran ran = call(folder, std::move(words));
    return ran.status != 0 && (ran.out + ran.err).find(why) != std::string::npos;
  }
  void join(const std::string& folder, const std::string& name, const test::NodeProcess& home) {
    const std::string token = run(home_, {"invite", name})["token"];
    run(folder, {"join", home.join_address(), token});
  }
  // The identity of a node whose certificate is of another time than now.
  void give(const std::string& folder, const std::string& name, int64_t from_days,
            int64_t until_days) {
    const auto authority = net::Authority::load(home_ + "/authority");
    ASSERT_TRUE(authority.ok()) << authority.error().message;
    const auto own = authority->issue({.node = name,
                                       .from_unix_s = unix_time_s() + from_days * kDay,
                                       .until_unix_s = unix_time_s() + until_days * kDay});
    ASSERT_TRUE(own.ok()) << own.error().message;
    std::filesystem::create_directories(folder);
    ASSERT_TRUE(own->save(folder + "/identity").ok());
  }
  static net::CertificateFacts facts_in(const std::string& folder) {
    const auto own = net::Credentials::load(folder + "/identity");
    EXPECT_TRUE(own.ok()) << own.error().message;
    return own.ok() ? own->facts() : net::CertificateFacts();
  }

  test::TemporaryFolder folder_;
  std::string home_ = folder_ / "home", phone_ = folder_ / "phone", tablet_ = folder_ / "tablet";
};

TEST_F(NodeRenewalTest, IsDueInTheLastThirdOfALife) {
  net::CertificateFacts facts{.from_unix_s = 1000 - net::kClockSkew_s, .until_unix_s = 4000};
  EXPECT_FALSE(is_renewal_due(facts, 1000));
  EXPECT_FALSE(is_renewal_due(facts, 2999));
  EXPECT_TRUE(is_renewal_due(facts, 3000));
}

TEST_F(NodeRenewalTest, AnExpiredCertificateIsOfNoUse) {
  give(phone_, "phone", -10, -1);
  for (const char* command : {"list", "start", "renew"}) {
    test::expect_refused(call(phone_, {command}), 1, "expired");
  }
  test::expect_refused(call(phone_, {"doctor", "127.0.0.1:1"}), 1, "join again with a new token");
  // Nor is one that begins tomorrow: a clock is wrong.
  give(tablet_, "tablet", 2, 10);
  test::expect_refused(call(tablet_, {"list"}), 1, "set the clock");
}

TEST_F(NodeRenewalTest, AnotherFleetIsNamed) {
  const test::NodeProcess node(home_);
  const std::string away = folder_ / "away";
  run(away, {"init", "away", "--fleet", "club"});
  EXPECT_TRUE(is_refused(away, {"doctor", node.address()}, "signed by \"lab\""));
}

TEST_F(NodeRenewalTest, ATokenIsGoodOnceInItsTimeAndItsFleet) {
  const test::NodeProcess node(home_);
  const std::string token = run(home_, {"invite", "phone"})["token"];
  run(phone_, {"join", node.join_address(), token});
  test::expect_refused(call(tablet_, {"join", node.join_address(), token}), 1, "was used");
  auto tokens = net::TokenBook::open(home_ + "/tokens.sqlite");
  ASSERT_TRUE(tokens.ok());
  const auto old = tokens->issue({.node = "tablet",
                                  .hosts = {},
                                  .until_unix_s = unix_time_s() - 60,
                                  .certificate_life_s = kDay},
                                 net::Authority::load(home_ + "/authority")->fingerprint());
  ASSERT_TRUE(old.ok()) << old.error().message;
  test::expect_refused(call(tablet_, {"join", node.join_address(), old->text()}), 1, "expired");
  const std::string away = folder_ / "away";
  run(away, {"init", "away", "--fleet", "club"});
  const std::string foreign = run(away, {"invite", "tablet"})["token"];
  test::expect_refused(call(tablet_, {"join", node.join_address(), foreign}), 1,
                       "ask for a token of this fleet");
}

TEST_F(NodeRenewalTest, WhoIsStoppedAsksNoMore) {
  const test::NodeProcess node(home_);
  join(phone_, "phone", node);
  CLI::App app;
  Parser parser(app);
  NodeHome phone;
  phone.declare(parser);
  app.parse("--dir " + phone_);
  auto own = phone.credentials();
  ASSERT_TRUE(own.ok()) << own.error().message;
  std::stop_source stop;
  EXPECT_TRUE(ask_for_news(phone, *own, node.address(), false, stop.get_token()).ok());
  stop.request_stop();
  EXPECT_EQ(ask_for_news(phone, *own, node.address(), false, stop.get_token()).error().code,
            Code::Cancelled);
}

TEST_F(NodeRenewalTest, APausedAuthorityStillRenews) {
  const test::NodeProcess node(home_);
  join(phone_, "phone", node);
  const std::string serial = facts_in(phone_).serial;
  run(home_, {"pause"});
  EXPECT_NE(run(phone_, {"renew"})["serial"], serial);
}

TEST_F(NodeRenewalTest, ANewCertificateAndTheOldOneAreBothGood) {
  const test::NodeProcess node(home_);
  join(phone_, "phone", node);
  std::filesystem::copy(phone_, tablet_, std::filesystem::copy_options::recursive);
  const std::string serial = facts_in(phone_).serial;
  const auto renewed = run(phone_, {"renew"});
  EXPECT_EQ(renewed["node"], "phone");
  EXPECT_NE(renewed["serial"], serial);
  EXPECT_EQ(renewed["serial"], facts_in(phone_).serial);
  EXPECT_EQ(run(phone_, {"doctor", node.address()})["well"], true);
  EXPECT_EQ(run(tablet_, {"doctor", node.address()})["well"], true);
  EXPECT_EQ(run(home_, {"renew"})["node"], "home");  // by its own authority
}

TEST_F(NodeRenewalTest, ARunningNodeRenewsByItself) {
  const test::NodeProcess node(home_);
  give(phone_, "phone", -100, 20);
  run(phone_, {"doctor", node.address()});
  test::expect_refused(call(phone_, {"renew"}), 2, "HOST:PORT");
  ASSERT_TRUE(fleet::NodeBook::open(phone_ + "/node.sqlite")->set_authority(node.address()).ok());
  const net::CertificateFacts old = facts_in(phone_);
  const test::NodeProcess phone(phone_, {"--ask-every", "0.1"});
  EXPECT_TRUE(test::eventually([&] { return facts_in(phone_).serial != old.serial; }));
  EXPECT_GT(facts_in(phone_).until_unix_s, unix_time_s() + 100 * kDay);
  // It shows the new one to others, at the port that it had, once it listens again.
  const auto shows_new = [&] {
    (void)call(home_, {"doctor", phone.address()});
    const auto known = run(home_, {"list"})["known"];
    return !known.empty() && known[0]["fingerprint"] == facts_in(phone_).fingerprint;
  };
  EXPECT_TRUE(test::eventually(shows_new));
}

TEST_F(NodeRenewalTest, WhoIsForgottenAtTheAuthorityIsLetInNowhere) {
  const test::NodeProcess node(home_);
  join(phone_, "phone", node);
  join(tablet_, "tablet", node);
  const test::NodeProcess tablet(tablet_, {"--ask-every", "0.1"});
  EXPECT_EQ(run(phone_, {"doctor", node.address()})["well"], true);
  EXPECT_EQ(run(phone_, {"doctor", tablet.address()})["well"], true);
  const test::NodeProcess phone(phone_, {"--ask-every", "1000"});
  const std::string unused = run(home_, {"invite", "phone"})["token"];
  EXPECT_EQ(run(home_, {"forget", "phone"})["revoked"], 1);

  for (const test::NodeProcess* other : {&node, &tablet}) {
    EXPECT_TRUE(test::eventually([&] {
      return is_refused(phone_, {"doctor", other->address()}, "was revoked");
    }));
  }
  test::expect_refused(call(phone_, {"renew"}), 1, "was revoked");
  // Nor is it dialled by those who know.
  EXPECT_TRUE(is_refused(tablet_, {"doctor", phone.address()}, "was revoked"));
  EXPECT_EQ(run(tablet_, {"doctor", node.address()})["well"], true);
  const std::string again = folder_ / "again";
  test::expect_refused(call(again, {"join", node.join_address(), unused}), 1, "expired");
  join(again, "phone", node);
  EXPECT_EQ(run(again, {"doctor", node.address()})["well"], true);
}

TEST_F(NodeRenewalTest, OnlyOthersAreForgotten) {
  test::expect_refused(call(home_, {"forget", "home"}), 2, "this node itself");
  test::expect_refused(call(home_, {"forget", "nobody"}), 1, "no node nobody");
}

}  // namespace
}  // namespace verge::cli
