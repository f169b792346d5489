#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/core/threads.hpp>

#include "sanitized.hpp"

namespace verge {
namespace {

TEST(ThreadPool, PhasesSeeEachOthersWork) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    constexpr int64_t kChunks = 97;
    std::vector<int> data(kChunks);
    std::vector<int> sums(static_cast<size_t>(threads));
    for (int repeat = 0; repeat < 200; ++repeat) {
      pool.run([&](Worker& worker) {
        for (int64_t i = worker.claim(); i < kChunks; i = worker.claim()) data[i] = repeat;
        worker.sync();
        const auto [first, last] = worker.split(kChunks);
        for (int64_t i = first; i < last; ++i) data[i] += 1;
        worker.sync();
        int sum = 0;
        for (int value : data) sum += value;
        sums[worker.index()] = sum;
      });
      for (int sum : sums) ASSERT_EQ(sum, kChunks * (repeat + 1));
    }
  }
}

TEST(ThreadPool, SplitCoversEverythingOnce) {
  ThreadPool pool(3);
  for (int64_t total : {0, 1, 2, 16, 17, 1000}) {
    for (int64_t grain : {1, 4, 16}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(total));
      pool.run([&](Worker& worker) {
        const auto [first, last] = worker.split(total, grain);
        for (int64_t i = first; i < last; ++i) ++hits[i];
      });
      for (const auto& hit : hits) EXPECT_EQ(hit, 1);
    }
  }
}

TEST(ThreadPool, ManyShortRunsNeverHang) {
  constexpr int kRuns = test::kSanitized ? 500 : 4000;
  ThreadPool pool(4);
  std::atomic<int64_t> calls{0};
  for (int i = 0; i < kRuns; ++i) pool.run([&](Worker&) { ++calls; });
  EXPECT_EQ(calls, 4 * kRuns);
}

TEST(ThreadPool, PoolsComeAndGoWithWorkOfAnyLength) {
  Rng rng(3);
  for (int round = 0; round < 200; ++round) {
    ThreadPool pool(1 + static_cast<int>(rng.below(4)));
    for (uint32_t run = rng.below(3); run > 0; --run) {
      const int64_t chunks = rng.below(50), phases = rng.below(4);
      std::atomic<int64_t> done{0};
      pool.run([&](Worker& worker) {
        for (int64_t phase = 0; phase < phases; ++phase) {
          for (int64_t i = worker.claim(); i < chunks; i = worker.claim()) ++done;
          worker.sync();
        }
      });
      ASSERT_EQ(done, chunks * phases);
    }
  }
}

// An idle pool must sleep: its threads' CPU time over 200 ms of idleness stays a small part of it.
TEST(ThreadPool, IdleCostsNothing) {
  ThreadPool pool(2);
  pool.run([](Worker&) {});
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double used_s = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(used_s, 0.05);
}

}  // namespace
}  // namespace verge
