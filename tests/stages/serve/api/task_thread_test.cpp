#include <future>
#include <memory>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include <verge/stages/serve/api/task_thread.hpp>

namespace verge::serve::api {
namespace {

/// Holds the thread until it is let go.
struct Gate {
  std::promise<void> entered, opened;
  std::function<void()> task() {
    return [this] {
      entered.set_value();
      opened.get_future().wait();
    };
  }
};

TEST(TaskThread, RunsInOrderOnAnotherThread) {
  std::vector<int> order;
  std::thread::id ran;
  std::promise<void> done;
  {
    TaskThread thread(100);
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(thread.post(1, [&order, i] { order.push_back(i); }));
    thread.post(1, [&] {
      ran = std::this_thread::get_id();
      done.set_value();
    });
    done.get_future().wait();
  }
  EXPECT_NE(ran, std::this_thread::get_id());
  ASSERT_EQ(order.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(TaskThread, WhatWaitsIsBounded) {
  Gate gate;
  TaskThread thread(10);
  ASSERT_TRUE(thread.post(1, gate.task()));
  gate.entered.get_future().wait();
  EXPECT_TRUE(thread.post(50, [] {})) << "nothing waits: a large one is taken";
  EXPECT_FALSE(thread.post(1, [] {}));
  std::promise<void> ran;
  gate.opened.set_value();
  while (!thread.post(9, [&] { ran.set_value(); })) std::this_thread::yield();
  ran.get_future().wait();
}

TEST(TaskThread, ATaskThatThrowsEndsItselfAlone) {
  TaskThread thread(10);
  auto held = std::make_shared<int>(1);
  std::promise<void> next;
  thread.post(1, [held] { throw std::runtime_error("bad"); });
  thread.post(1, [&] { next.set_value(); });
  next.get_future().wait();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(TaskThread, StopDropsWhatWaits) {
  Gate gate;
  auto held = std::make_shared<int>(1);
  TaskThread thread(10);
  thread.post(1, gate.task());
  gate.entered.get_future().wait();
  bool ran = false;
  thread.post(1, [&ran, held] { ran = true; });
  std::thread stopper([&] { thread.stop(); });
  while (thread.post(0, [] {})) std::this_thread::yield();
  gate.opened.set_value();
  stopper.join();
  EXPECT_FALSE(ran);
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace verge::serve::api
