#include <gtest/gtest.h>
#include <manual_clock.hpp>
#include <small_disk.hpp>
#include <temporary_folder.hpp>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/collab/context_store.hpp>

namespace verge::serve {
namespace {

constexpr int64_t kStateBytes = 4;  // of a width of 1

SessionKey key_of(int64_t i) {
  return {"tenant", "device", std::to_string(i)};
}

class ContextStoreTest : public ::testing::Test {
 protected:
  ContextLimits limits(int64_t kv_pages, int64_t states) {
    return {.width = 1,
            .page_tokens = 4,
            .kv_pages = kv_pages,
            .states_bytes = states * kStateBytes,
            .lease_s = 10};
  }
  // Computes so many positions of a session.
  static std::vector<SessionKey> compute(ContextStore& store, const SessionKey& key,
                                         int64_t positions) {
    const std::vector<float> rows(static_cast<size_t>(positions), 1.0f);
    store.open(key);
    EXPECT_TRUE(store.pin(key, positions));
    EXPECT_TRUE(store.add(key, 0, rows, 0));
    std::vector<SessionKey> evicted = store.make_room(key, positions);
    store.find(key)->advance(positions);
    store.unpin(key);
    return evicted;
  }
  test::ManualClock clock_;
  const std::vector<float> one_ = {1};
};

TEST_F(ContextStoreTest, WhoWasUsedLongestAgoLosesItsPages) {
  ContextStore store(limits(4, 100), clock_);
  EXPECT_TRUE(compute(store, key_of(1), 8).empty());
  EXPECT_TRUE(compute(store, key_of(2), 8).empty());
  store.open(key_of(1));
  EXPECT_EQ(compute(store, key_of(3), 5), std::vector{key_of(2)});
  EXPECT_TRUE(store.is_evicted(key_of(2)));
  EXPECT_FALSE(store.is_evicted(key_of(1)));
  EXPECT_EQ(store.find(key_of(2))->done(), 0);
  EXPECT_EQ(store.find(key_of(1))->done(), 8);
  EXPECT_EQ(store.kv_pages(), 4);
}

TEST_F(ContextStoreTest, StatesOutliveThePages) {
  ContextStore store(limits(2, 100), clock_);
  compute(store, key_of(1), 4);
  EXPECT_TRUE(store.add(key_of(1), 4, one_, 0));
  EXPECT_EQ(compute(store, key_of(2), 8), std::vector{key_of(1)});
  EXPECT_FALSE(store.is_evicted(key_of(1)));
  EXPECT_EQ(store.find(key_of(1))->missing(5), (PositionRange{0, 4}));
}

TEST_F(ContextStoreTest, StatesOfOthersGoWhereTheyAreTooMany) {
  ContextStore store(limits(2, 2), clock_);
  for (int64_t i : {1, 2, 3}) {
    store.open(key_of(i));
    EXPECT_TRUE(store.add(key_of(i), 0, one_, 0));
  }
  EXPECT_TRUE(store.is_evicted(key_of(1)));
  EXPECT_EQ(store.states_bytes(), 2 * kStateBytes);
  const std::vector<float> three(3, 1.0f);
  EXPECT_FALSE(store.add(key_of(3), 1, three, 0));  // alone it is too much
  EXPECT_TRUE(store.pin(key_of(3), 4));
  EXPECT_TRUE(store.add(key_of(3), 1, three, 0));
}

TEST_F(ContextStoreTest, SendingAgainMakesASessionLikeAnyOther) {
  ContextStore store(limits(1, 100), clock_);
  compute(store, key_of(1), 4);
  compute(store, key_of(2), 4);
  EXPECT_TRUE(store.is_evicted(key_of(1)));
  EXPECT_TRUE(store.add(key_of(1), 0, one_, 0));
  EXPECT_FALSE(store.is_evicted(key_of(1)));
}

TEST_F(ContextStoreTest, PinnedSessionsLoseNothing) {
  ContextStore store(limits(4, 2), clock_);
  compute(store, key_of(1), 8);
  EXPECT_TRUE(store.pin(key_of(1), 12));
  store.open(key_of(2));
  EXPECT_FALSE(store.pin(key_of(2), 5));  // 3 pages of 4 are promised
  EXPECT_TRUE(store.pin(key_of(2), 4));
  EXPECT_TRUE(store.make_room(key_of(2), 4).empty());
  store.unpin(key_of(1));
  EXPECT_TRUE(store.pin(key_of(2), 12));
  EXPECT_EQ(store.make_room(key_of(2), 12), std::vector{key_of(1)});
}

TEST_F(ContextStoreTest, LeasesEndAndLeaveNothing) {
  ContextStore store(limits(4, 100), clock_);
  compute(store, key_of(1), 4);
  compute(store, key_of(2), 4);
  store.open(key_of(3));
  EXPECT_TRUE(store.pin(key_of(3), 4));
  clock_.advance(6);
  store.open(key_of(2));
  clock_.advance(6);
  EXPECT_EQ(store.expire(), std::vector{key_of(1)});
  EXPECT_EQ(store.find(key_of(1)), nullptr);
  EXPECT_TRUE(store.close(key_of(2)));
  EXPECT_FALSE(store.close(key_of(2)));
  EXPECT_EQ(store.states_bytes(), 0);
  EXPECT_EQ(store.kv_pages(), 0);
  EXPECT_EQ(store.open(key_of(1)).done(), 0);
}

TEST_F(ContextStoreTest, TenantsAndDevicesOwnTheirSessions) {
  ContextStore store(limits(4, 100), clock_);
  const SessionKey own{"a", "d", "s"}, others[] = {{"b", "d", "s"}, {"a", "e", "s"}};
  compute(store, own, 4);
  for (const SessionKey& other : others) EXPECT_EQ(store.open(other).done(), 0);
}

TEST_F(ContextStoreTest, StatesThatWerePutAsideComeBackForARequest) {
  const test::TemporaryFolder folder;
  ContextLimits spilling = limits(2, 10);
  spilling.spill_folder = folder.path();
  spilling.spill_bytes = 1 << 20;
  ContextStore store(spilling, clock_);
  compute(store, key_of(1), 8);
  EXPECT_EQ(compute(store, key_of(2), 8), std::vector{key_of(1)});
  EXPECT_FALSE(store.is_evicted(key_of(1)));
  EXPECT_EQ(store.states_bytes(), 8 * kStateBytes);  // those of both are too many
  EXPECT_EQ(store.spilled_bytes(), 8 * 2);
  store.open(key_of(3));
  EXPECT_TRUE(store.add(key_of(3), 0, one_, 0));
  EXPECT_EQ(store.find(key_of(1))->ready(), 0);
  EXPECT_EQ(store.find(key_of(1))->held(), 8);
  EXPECT_FALSE(store.is_evicted(key_of(1)));
  EXPECT_TRUE(store.pin(key_of(1), 8));
  EXPECT_EQ(store.find(key_of(1))->ready(), 8);
  EXPECT_EQ(store.restored(), 1);
  store.close(key_of(1));
  store.close(key_of(2));
  EXPECT_EQ(store.spilled_bytes(), 0);
  EXPECT_EQ(folder.entries(), 0u);
}

TEST_F(ContextStoreTest, WhatIsAsideBeyondAGapStaysThere) {
  const test::TemporaryFolder folder;
  ContextLimits spilling = limits(4, 2);
  spilling.spill_folder = folder.path();
  spilling.spill_bytes = 1 << 20;
  ContextStore store(spilling, clock_);
  const std::vector<float> two(2, 1.0f), three(3, 1.0f);
  store.open(key_of(1));
  EXPECT_TRUE(store.add(key_of(1), 3, two, 0));
  store.open(key_of(2));
  EXPECT_TRUE(store.add(key_of(2), 0, one_, 0));
  EXPECT_TRUE(store.pin(key_of(1), 5));
  EXPECT_EQ(store.restored(), 0);
  EXPECT_EQ(store.find(key_of(1))->missing(5), (PositionRange{0, 3}));
  EXPECT_TRUE(store.add(key_of(1), 0, three, 0));
  EXPECT_TRUE(store.pin(key_of(1), 5));
  EXPECT_EQ(store.restored(), 1);
  EXPECT_EQ(store.find(key_of(1))->ready(), 5);
}

TEST_F(ContextStoreTest, WhereTheFolderIsFullTheOldestGo) {
  const test::TemporaryFolder folder;
  ContextLimits spilling = limits(100, 4);
  spilling.spill_folder = folder.path();
  spilling.spill_bytes = 2 * 8 * 2;  // of two sessions' 8 positions in f16
  std::vector<Error> warnings;
  spilling.warn = [&](const Error& error) { warnings.push_back(error); };
  ContextStore store(spilling, clock_);
  for (int64_t i : {1, 2, 3, 4}) compute(store, key_of(i), 8);
  store.open(key_of(5));
  EXPECT_TRUE(store.add(key_of(5), 0, one_, 0));
  EXPECT_EQ(store.spilled_bytes(), 2 * 8 * 2);
  EXPECT_FALSE(store.find(key_of(1))->is_aside());
  EXPECT_FALSE(store.find(key_of(2))->is_aside());
  EXPECT_TRUE(store.find(key_of(3))->is_aside());
  EXPECT_TRUE(store.find(key_of(4))->is_aside());
  EXPECT_TRUE(warnings.empty());
}

TEST_F(ContextStoreTest, AFullDiskIsSaidOnceAndStatesAreLostInstead) {
  const test::TemporaryFolder folder;
  ContextLimits spilling = limits(100, 4);
  spilling.width = 1024;
  spilling.states_bytes = 4 * 1024 * kStateBytes;
  spilling.spill_folder = folder.path();
  spilling.spill_bytes = 1 << 20;
  std::vector<Error> warnings;
  spilling.warn = [&](const Error& error) { warnings.push_back(error); };
  ContextStore store(spilling, clock_);
  const std::vector<float> rows(4 * 1024, 1.0f);
  const auto add = [&](int64_t i) {
    store.open(key_of(i));
    return store.add(key_of(i), 0, rows, 0);
  };
  {
    const test::SmallDisk full(1024);
    for (int64_t i : {1, 2, 3, 4}) EXPECT_TRUE(add(i));
    EXPECT_EQ(warnings.size(), 1u);
    EXPECT_EQ(warnings[0].code, Code::Io);
    EXPECT_TRUE(store.is_evicted(key_of(1)));
    EXPECT_EQ(store.spilled_bytes(), 0);
  }
  EXPECT_TRUE(add(5));
  EXPECT_FALSE(store.is_evicted(key_of(4)));
  EXPECT_EQ(store.find(key_of(4))->held(), 4);
  const test::SmallDisk full_again(1024);
  EXPECT_TRUE(add(6));
  EXPECT_EQ(warnings.size(), 2u);
}

// Whatever comes, in any order: nothing is over its budget, no pinned session loses anything.
TEST_F(ContextStoreTest, BudgetsHoldWhateverHappens) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    const auto below = [&rng](uint32_t bound) { return static_cast<int64_t>(rng.below(bound)); };
    ContextStore store(limits(6, 40), clock_);
    for (int i = 0; i < 300; ++i) {
      const SessionKey key = key_of(below(10));
      const int64_t before = store.open(key).done();
      const std::vector<float> rows(static_cast<size_t>(1 + below(12)), 1.0f);
      store.add(key, below(12), rows, 0);
      ASSERT_LE(store.states_bytes(), 40 * kStateBytes);
      const int64_t length = store.find(key)->ready();
      if (below(2) == 0 || !store.pin(key, length)) continue;
      for (const SessionKey& gone : store.make_room(key, length)) {
        ASSERT_NE(gone, key);
        ASSERT_EQ(store.find(gone)->done(), 0);
      }
      ASSERT_GE(store.find(key)->done(), before);
      store.find(key)->advance(length);
      ASSERT_LE(store.kv_pages(), 6);
      store.unpin(key);
      if (below(8) == 0) store.close(key);
    }
  }
}

}  // namespace
}  // namespace verge::serve
