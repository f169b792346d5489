#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include <verge/engine/backends/onednn/team.hpp>

// What oneDNN calls of OpenMP.
extern "C" {
void GOMP_parallel(void (*task)(void*), void* data, unsigned threads, unsigned flags);
void GOMP_barrier();
int omp_get_max_threads();
int omp_get_num_threads();
int omp_get_thread_num();
int omp_in_parallel();
}

namespace verge::backends::onednn {
namespace {

struct Seen {
  std::atomic<int> calls{0}, count{0}, before_barrier{0}, after_barrier{0};
  std::atomic<uint32_t> indices{0};
  std::atomic<bool> is_nested_serial{true}, is_ordered{true};
};

void note(void* data) {
  Seen& seen = *static_cast<Seen*>(data);
  seen.calls++;
  seen.count = omp_get_num_threads();
  seen.indices |= 1u << omp_get_thread_num();
  seen.before_barrier++;
  GOMP_barrier();
  if (seen.before_barrier != omp_get_num_threads()) seen.is_ordered = false;
  Seen inner;
  if (seen.calls < 100 && omp_in_parallel() != 0) {  // a task in a task is its caller's alone
    GOMP_parallel([](void* own) { static_cast<Seen*>(own)->calls += omp_get_num_threads(); },
                  &inner, 0, 0);
    if (inner.calls != 1) seen.is_nested_serial = false;
  }
}

TEST(Team, TasksRunOnAllWorkersAndTheBodyOnOne) {
  for (const int threads : {1, 2, 3}) {
    SCOPED_TRACE(threads);
    ThreadPool pool(threads);
    Team team;
    std::atomic<int> bodies{0};
    for (int round = 0; round < 50; ++round) {
      Seen all, two;
      pool.run([&](Worker& worker) {
        team.run(worker, [&] {
          bodies++;
          EXPECT_EQ(omp_get_max_threads(), threads);
          EXPECT_EQ(omp_in_parallel(), 0);
          GOMP_parallel(note, &all, 0, 0);
          GOMP_parallel(note, &two, 2, 0);
        });
      });
      EXPECT_EQ(all.calls, threads);
      EXPECT_EQ(all.count, threads);
      EXPECT_EQ(all.indices, (1u << threads) - 1);
      EXPECT_TRUE(all.is_ordered);
      EXPECT_TRUE(all.is_nested_serial);
      EXPECT_EQ(two.calls, std::min(threads, 2));
    }
    EXPECT_EQ(bodies, 50);
  }
}

// The others are dismissed, and the pool can go on.
TEST(Team, WhatTheBodyThrowsIsItsCallers) {
  for (const int threads : {1, 2, 3}) {
    SCOPED_TRACE(threads);
    ThreadPool pool(threads);
    Team team;
    for (const bool in_task : {false, true}) {
      std::atomic<int> caught{0};
      pool.run([&](Worker& worker) {
        try {
          team.run(worker, [&] {
            Seen seen;
            GOMP_parallel(note, &seen, 0, 0);
            if (!in_task) throw std::runtime_error("no primitive");
            GOMP_parallel(
                [](void*) {
                  if (omp_get_thread_num() == 0) throw std::runtime_error("no memory");
                },
                nullptr, 0, 0);
          });
        } catch (const std::runtime_error&) {
          ++caught;
        }
      });
      EXPECT_EQ(caught, 1);
      EXPECT_EQ(omp_in_parallel(), 0);
    }
    Seen after;
    pool.run([&](Worker& worker) { team.run(worker, [&] { GOMP_parallel(note, &after, 0, 0); }); });
    EXPECT_EQ(after.calls, threads);
  }
}

TEST(Team, OutsideOfOneATaskIsItsCallers) {
  Seen seen;
  const auto caller = std::this_thread::get_id();
  std::pair<std::thread::id, Seen*> data{{}, &seen};
  GOMP_parallel(
      [](void* own) {
        auto* both = static_cast<std::pair<std::thread::id, Seen*>*>(own);
        both->first = std::this_thread::get_id();
        both->second->calls++;
      },
      &data, 4, 0);
  EXPECT_EQ(seen.calls, 1);
  EXPECT_EQ(data.first, caller);
  EXPECT_EQ(omp_get_max_threads(), 1);
  {
    const PlannedThreads planned(5);
    EXPECT_EQ(omp_get_max_threads(), 5);
  }
  EXPECT_EQ(omp_get_max_threads(), 1);
}

}  // namespace
}  // namespace verge::backends::onednn
