// A device that goes on while its server is asked: the text is the one of a device that waits, on
// any link, and fewer round trips are waited for.

#include <set>

#include <eventually.hpp>

#include <verge/core/rng.hpp>
#include <verge/platform/net/link/shaped_channel.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

const char* const kDraftPrompt = "And the king said to the people of the city: I have";

class DraftingTest : public ::testing::Test {
 protected:
  using Wrap = std::function<std::unique_ptr<Channel>(std::unique_ptr<Channel>)>;
  std::unique_ptr<CloudLink> link_to(TestServer& server, const Wrap& wrap = nullptr) {
    const HelloMessage hello = hello_of(split(), fmt::format("s{}", ++sessions_));
    auto link = std::make_unique<CloudLink>(
        [&server, wrap]() -> Result<std::unique_ptr<Channel>> {
          return wrap ? wrap(server.connect()) : server.connect();
        },
        hello, limits_of(), CloudLinkOptions{.retry_s = 0.001});
    wait_until_up(*link);
    return link;
  }
  Wrap slow(double delay_s) {
    return [this, delay_s](std::unique_ptr<Channel> below) -> std::unique_ptr<Channel> {
      auto model = net::LinkModel::make({.trace = net::constant_link(20e6, delay_s)});
      EXPECT_TRUE(model.ok()) << model.error().message;
      return std::make_unique<net::ShapedChannel>(std::move(below), std::move(*model), clock_);
    };
  }
  static void wait_until_up(const CloudLink& link) {
    EXPECT_TRUE(test::eventually([&] { return link.is_up(); })) << link.status().error().message;
  }
  std::unique_ptr<EdgeDriver> driver_of(EdgeOptions options, CloudLink& link, int64_t drafts) {
    options.draft_tokens = drafts;
    auto driver = EdgeDriver::create(*SharedModels::get().edge, split(), options, clock_, &link);
    EXPECT_TRUE(driver.ok()) << driver.error().message;
    EXPECT_TRUE((*driver)->append(prompt_).ok());
    return std::move(*driver);
  }
  // Unsure now and then, so that there is something to ask for and something to draft.
  static EdgeOptions unsure(double theta1 = 0.5, double theta2 = 0.5) {
    EdgeOptions options = asking("f32");
    options.policy.theta1 = theta1;
    options.policy.theta2 = theta2;
    options.want_logprobs = true;
    return options;
  }
  static void expect_same(std::span<const CollabToken> a, std::span<const CollabToken> b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].id, b[i].id) << i;
      EXPECT_EQ(a[i].place, b[i].place) << i;
      EXPECT_EQ(a[i].reason, b[i].reason) << i;
      EXPECT_EQ(a[i].confidence1, b[i].confidence1) << i;
      EXPECT_EQ(a[i].confidence2, b[i].confidence2) << i;
      EXPECT_EQ(a[i].logprob, b[i].logprob) << i;
    }
  }
  // The server's keys and values are those of a run that never drafted: its tokens have the whole
  // model's probabilities to the last bit.
  void expect_whole_models(std::span<const CollabToken> tokens) {
    WholeModel whole(prompt_);
    for (size_t i = 0; i < tokens.size(); ++i) {
      const CollabToken& token = tokens[i];
      if (token.place == TokenPlace::Cloud) {
        EXPECT_EQ(token.id, whole.next()) << i;
        EXPECT_EQ(token.logprob.value_or(1), whole.logprob(token.id)) << i;
      }
      whole.append(token.id);
    }
  }
  static const SplitIdentity& split() { return SharedModels::get().split; }

  SystemClock clock_;
  const std::vector<int32_t> prompt_ = prompt_tokens(kDraftPrompt);
  int sessions_ = 0;
};

TEST_F(DraftingTest, TheTextIsThatWithoutDrafts) {
  TestServer server(split(), clock_, 2048);
  int64_t drafted = 0, undone = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Rng rng(seed);
    EdgeOptions options = unsure(rng.uniform(), rng.uniform());
    options.codec = seed % 2 == 0 ? "f16" : "int8";
    if (seed % 3 != 0) options.sampling = {.temperature = 0.8f, .top_k = 0, .seed = seed};
    const auto without = link_to(server), with = link_to(server);
    const auto waiting = driver_of(options, *without, 0);
    const std::vector<CollabToken> expected = generate(*waiting, 40);
    const auto drafting = driver_of(options, *with, 1 + static_cast<int64_t>(rng.below(12)));
    expect_same(generate(*drafting, 40), expected);
    EXPECT_EQ(waiting->metrics().drafted, 0);
    EXPECT_EQ(waiting->metrics().waits, waiting->metrics().asked);
    EXPECT_EQ(drafting->metrics().all_tokens(), 40);
    drafted += drafting->metrics().drafted;
    undone += drafting->metrics().undone;
  }
  EXPECT_GT(undone, 0) << "some drafts must have been wrong";
  EXPECT_GT(drafted, undone) << "and some right";
}

TEST_F(DraftingTest, TheServersCacheIsThatOfARunWithoutDrafts) {
  TestServer server(split(), clock_, 2048);
  const auto link = link_to(server, slow(0.002));
  const auto driver = driver_of(unsure(0.6, 0.9), *link, 6);
  const std::vector<CollabToken> tokens = generate(*driver, 80);
  expect_whole_models(tokens);
  EXPECT_GT(driver->metrics().undone, 0);
  EXPECT_EQ(driver->metrics().count(TokenPlace::Degraded), 0);
  EXPECT_EQ(driver->metrics().sent_again, 0);
}

TEST_F(DraftingTest, AThresholdOfOneIsTheWholeModelsTextStill) {
  TestServer server(split(), clock_, 2048);
  const auto link = link_to(server);
  const auto driver = driver_of(asking("f16"), *link, 5);
  EXPECT_EQ(ids_of(generate(*driver, 40)), whole_text(prompt_, 40));
  EXPECT_GT(driver->metrics().undone, 0);
}

// On a way so long that all drafts are made before an answer is there: what is waited for are round
// trips, and those of tokens that were rightly drafted run beside each other.
TEST_F(DraftingTest, FewerRoundTripsAreWaitedFor) {
  TestServer server(split(), clock_, 2048);
  std::vector<int64_t> waits;
  std::vector<std::vector<int32_t>> texts;
  for (const int64_t drafts : {0, 8}) {
    const auto link = link_to(server, slow(0.03));
    const auto driver = driver_of(unsure(0.5, 0.9), *link, drafts);
    texts.push_back(ids_of(generate(*driver, 40)));
    waits.push_back(driver->metrics().waits);
    EXPECT_EQ(driver->metrics().count(TokenPlace::Degraded), 0);
    EXPECT_TRUE(drafts > 0 || waits[0] == driver->metrics().asked);
  }
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_GT(waits[0], 10);
  EXPECT_LT(waits[1], waits[0]);
  RecordProperty("waits", fmt::format("{} without drafts, {} with 8", waits[0], waits[1]));
}

TEST_F(DraftingTest, ACutAtAnyStepLosesNoTokenAndDoublesNone) {
  for (const CollabKind kind : {CollabKind::States, CollabKind::Finish, CollabKind::Token}) {
    for (const int after : {1, 2, 5, 11}) {
      TestServer server(split(), clock_, 2048);
      std::atomic<int> seen = 0;
      const auto watch = [&seen, kind, after](const Message& message) {
        return is_of(message, kind) && ++seen == after ? Fate::CutBefore : Fate::Passes;
      };
      const auto link = link_to(server, [watch](std::unique_ptr<Channel> below) {
        return std::unique_ptr<Channel>(new WatchedChannel(std::move(below), watch));
      });
      const auto driver = driver_of(unsure(1, 1), *link, 4);
      std::vector<CollabToken> tokens;
      for (int i = 0; i < 32; ++i) {
        wait_until_up(*link);
        const auto token = driver->next();
        ASSERT_TRUE(token.ok()) << token.error().message;
        tokens.push_back(*token);
      }
      EXPECT_EQ(link->connections(), 2);
      EXPECT_LE(driver->metrics().count(TokenPlace::Degraded), 5);
      EXPECT_EQ(tokens.back().place, TokenPlace::Cloud);
      expect_whole_models(tokens);
    }
  }
}

// States that are lost on the way, once for each third position: they are asked for again, and no
// branch mixes with another.
TEST_F(DraftingTest, LostStatesOfBranchesAreSentAgain) {
  TestServer server(split(), clock_, 2048);
  std::set<int64_t> lost;
  const auto watch = [&lost](const Message& message) {
    if (!is_of(message, CollabKind::States)) return Fate::Passes;
    CollabLimits limits = limits_of();
    limits.codecs = {"f32"};
    const auto read = read_message(message, limits);
    EXPECT_TRUE(read.ok() && *read);
    const int64_t position = std::get<StatesMessage>(**read).position;
    return position % 3 == 1 && lost.insert(position).second ? Fate::Lost : Fate::Passes;
  };
  const auto link = link_to(server, [watch](std::unique_ptr<Channel> below) {
    return std::unique_ptr<Channel>(new WatchedChannel(std::move(below), watch));
  });
  const auto driver = driver_of(unsure(0.6, 0.95), *link, 5);
  const std::vector<CollabToken> tokens = generate(*driver, 60);
  EXPECT_GT(driver->metrics().undone, 0);
  EXPECT_GT(driver->metrics().sent_again, 0);
  EXPECT_EQ(driver->metrics().count(TokenPlace::Degraded), 0);
  expect_whole_models(tokens);
}

TEST_F(DraftingTest, WithoutALinkTheTextGoesOn) {
  CloudLink link([]() -> Result<std::unique_ptr<Channel>> { return make_error(Code::Io, "none"); },
                 hello_of(split()), limits_of(), CloudLinkOptions{.retry_s = 0.001});
  ASSERT_TRUE(test::eventually([&] { return link.status().error().message == "none"; }));
  const auto driver = driver_of(asking("f32"), link, 4);
  EXPECT_EQ(generate(*driver, 20).size(), 20u);
  EXPECT_EQ(driver->metrics().count(TokenPlace::Degraded), 20);
  EXPECT_EQ(driver->metrics().drafted, 0);
}

// What a user says next comes after what was given out, not after drafts.
TEST_F(DraftingTest, TheNextPromptFollowsWhatWasSaid) {
  TestServer server(split(), clock_, 2048);
  const std::vector<int32_t> more = prompt_tokens(" But the men of the city answered");
  std::vector<std::vector<CollabToken>> texts;
  for (const int64_t drafts : {0, 7}) {
    const auto link = link_to(server);
    const auto driver = driver_of(unsure(0.6, 0.95), *link, drafts);
    texts.emplace_back();
    for (const int count : {1, 6, 3, 12}) {
      const auto said = generate(*driver, count);
      texts.back().insert(texts.back().end(), said.begin(), said.end());
      ASSERT_TRUE(driver->append(more).ok());
    }
    const auto last = generate(*driver, 4);
    texts.back().insert(texts.back().end(), last.begin(), last.end());
  }
  expect_same(texts[1], texts[0]);
}

// Pages for two of three texts: drafts do not keep what others need, nor mix what is made anew.
TEST_F(DraftingTest, UnderEvictionTheTextsAreTheSame) {
  TestServer roomy(split(), clock_, 2048), narrow(split(), clock_, 128);
  const auto link = link_to(roomy);
  const std::vector<CollabToken> expected = generate(*driver_of(unsure(0.6, 0.95), *link, 0), 40);
  std::vector<std::unique_ptr<CloudLink>> links;
  std::vector<std::unique_ptr<EdgeDriver>> drivers;
  std::vector<std::vector<CollabToken>> texts(3);
  for (size_t i = 0; i < texts.size(); ++i) {
    links.push_back(link_to(narrow));
    drivers.push_back(driver_of(unsure(0.6, 0.95), *links.back(), 4));
  }
  for (int i = 0; i < 40; ++i) {
    for (size_t d = 0; d < drivers.size(); ++d) texts[d].push_back(generate(*drivers[d], 1).at(0));
  }
  for (const auto& text : texts) expect_same(text, expected);
  EXPECT_GT(narrow.manager().snapshot().evictions, 0);
}

TEST_F(DraftingTest, TheContextsEndIsNotDraftedBeyond) {
  TestServer server(split(), clock_, 2048);
  const auto link = link_to(server);
  const auto driver = driver_of(unsure(0.6, 0.95), *link, 8);
  const int room = 256 - static_cast<int>(prompt_.size());
  EXPECT_EQ(generate(*driver, room).size(), static_cast<size_t>(room));
}

}  // namespace
}  // namespace verge::serve
