#include <atomic>
#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <verge/core/rng.hpp>
#include <verge/core/threads.hpp>

#include "eventually.hpp"
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

// One arrives late by about the time that the other spins, so that many releases meet a thread that
// is falling asleep. A lost one hangs: of a plain store before notify_all(), one in a million.
TEST(ThreadPool, NoReleaseIsLostByOneWhoFallsAsleep) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::seconds(test::kSanitized ? 1 : 3);
  ThreadPool pool(2);
  Rng rngs[2] = {Rng(1), Rng(2)};
  std::atomic<int64_t> phases{0};
  int64_t expected = 0;
  while (Clock::now() < end) {
    pool.run([&](Worker& worker) {
      for (int phase = 0; phase < 50; ++phase) {
        if (phase % 2 == worker.index()) {
          const auto late = std::chrono::nanoseconds(10'000 + rngs[worker.index()].below(60'000));
          for (const auto begin = Clock::now(); Clock::now() - begin < late;) continue;
          ++phases;
        }
        worker.sync();
      }
    });
    ASSERT_EQ(phases, expected += 50);
  }
}

// How often the thread has gone to sleep; nothing while it does not sleep.
std::optional<int64_t> sleeps_of(pid_t thread) {
  std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
  bool is_asleep = false;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("State:")) is_asleep = line.find('S', 6) != std::string::npos;
    if (is_asleep && line.starts_with("voluntary_ctxt_switches:"))
      return std::stoll(line.substr(24));
  }
  return std::nullopt;
}

// An idle pool must sleep, and not wake to look around.
TEST(ThreadPool, IdleCostsNothing) {
  ThreadPool pool(2);
  pid_t thread = 0;
  pool.run([&](Worker& worker) {
    if (worker.index() == 1) thread = static_cast<pid_t>(::syscall(SYS_gettid));
  });
  std::optional<int64_t> sleeps;
  EXPECT_TRUE(test::eventually([&] { return (sleeps = sleeps_of(thread)).has_value(); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(sleeps_of(thread), sleeps);
}

}  // namespace
}  // namespace verge
