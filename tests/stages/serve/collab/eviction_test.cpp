// More sessions than there is room for: what a server forgets it asks for again, and no text
// changes.

#include <eventually.hpp>
#include <sanitized.hpp>
#include <temporary_folder.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

constexpr int kManySessions = test::kSanitized ? 24 : 64;
constexpr int kRoomFor = kManySessions / 8;
constexpr int kTokensEach = 10;

std::vector<int32_t> prompt_of_session(int session) {
  const auto vocab = static_cast<uint32_t>(SharedModels::get().split.width);
  Rng rng(17, static_cast<uint64_t>(session));
  std::vector<int32_t> tokens(12 + rng.below(10));
  for (int32_t& token : tokens) token = static_cast<int32_t>(10 + rng.below(vocab));
  return tokens;
}

struct Round {
  std::vector<std::vector<int32_t>> texts;
  ContextSnapshot server;
};

// All sessions in turn, a token each.
Round run_sessions(int64_t kv_tokens, const ContextManagerOptions& options) {
  SystemClock clock;
  const SplitIdentity& split = SharedModels::get().split;
  TestServer server(split, clock, kv_tokens, options);
  std::vector<std::unique_ptr<CloudLink>> links;
  std::vector<std::unique_ptr<EdgeDriver>> drivers;
  for (int i = 0; i < kManySessions; ++i) {
    links.push_back(std::make_unique<CloudLink>(
        [&server]() -> Result<std::unique_ptr<Channel>> { return server.connect(); },
        hello_of(split, std::to_string(i)), limits_of()));
    EdgeOptions edge = asking("f32");
    edge.policy.theta1 = edge.policy.theta2 = i % 2 == 0 ? 1 : 0.4;
    auto driver =
        EdgeDriver::create(*SharedModels::get().edge, split, edge, clock, links.back().get());
    EXPECT_TRUE(driver.ok());
    drivers.push_back(std::move(*driver));
  }
  for (const auto& link : links) EXPECT_TRUE(test::eventually([&] { return link->is_up(); }));
  Round round;
  round.texts.resize(kManySessions);
  for (int i = 0; i < kManySessions; ++i) {
    EXPECT_TRUE(drivers[i]->append(prompt_of_session(i)).ok());
  }
  for (int step = 0; step < kTokensEach; ++step) {
    for (int i = 0; i < kManySessions; ++i) {
      const auto token = drivers[i]->next();
      EXPECT_TRUE(token.ok());
      EXPECT_NE(token->place, TokenPlace::Degraded);
      round.texts[i].push_back(token->id);
    }
  }
  EXPECT_TRUE(test::eventually([&] { return server.manager().snapshot().waiting == 0; }));
  round.server = server.manager().snapshot();
  return round;
}

TEST(Eviction, ManySessionsInLittleRoomSayTheSame) {
  const Round ample = run_sessions(kManySessions * 64, {});
  EXPECT_EQ(ample.server.evictions, 0);
  EXPECT_EQ(ample.server.nacks, 0);
  EXPECT_EQ(ample.server.sessions, kManySessions);
  const Round short_of_pages = run_sessions(kRoomFor * 32, {});
  EXPECT_GT(short_of_pages.server.evictions, kManySessions);
  EXPECT_GT(short_of_pages.server.nacks, kManySessions);
  EXPECT_LE(short_of_pages.server.kv_pages, kRoomFor);
  EXPECT_EQ(short_of_pages.texts, ample.texts);
  const int64_t states_bytes = kRoomFor * 32 * SharedModels::get().split.width * 4;
  const Round short_of_both = run_sessions(kRoomFor * 32, {.states_bytes = states_bytes});
  EXPECT_EQ(short_of_both.texts, ample.texts);
  const test::TemporaryFolder folder;
  const Round spilled = run_sessions(
      kRoomFor * 32,
      {.states_bytes = states_bytes, .spill_folder = folder.path(), .spill_codec = "f32"});
  EXPECT_EQ(spilled.texts, ample.texts);
  EXPECT_GT(spilled.server.evictions, kManySessions);
  EXPECT_GT(spilled.server.restored, kManySessions);
  EXPECT_EQ(spilled.server.nacks, 0);
  EXPECT_LE(spilled.server.states_bytes, states_bytes);
}

}  // namespace
}  // namespace verge::serve
