#include <algorithm>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
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
    TaskThread thread({100, 100});
    for (int i = 0; i < 50; ++i)
      EXPECT_TRUE(thread.post("a", 1, [&order, i] { order.push_back(i); }));
    thread.post("a", 1, [&] {
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
  TaskThread thread({10, 10});
  ASSERT_TRUE(thread.post("a", 1, gate.task()));
  gate.entered.get_future().wait();
  EXPECT_TRUE(thread.post("a", 50, [] {})) << "nothing waits: a large one is taken";
  EXPECT_FALSE(thread.post("a", 1, [] {}));
  std::promise<void> ran;
  gate.opened.set_value();
  while (!thread.post("a", 9, [&] { ran.set_value(); })) std::this_thread::yield();
  ran.get_future().wait();
}

// Whose came first, and more of them, waits as long as the others.
TEST(TaskThread, TenantsTakeTurns) {
  Gate gate;
  std::string order;
  {
    TaskThread thread({100, 100});
    ASSERT_TRUE(thread.post("a", 1, gate.task()));
    gate.entered.get_future().wait();
    const auto add = [&](const std::string& tenant, size_t bytes) {
      EXPECT_TRUE(thread.post(tenant, bytes, [&order, tenant] { order += tenant; }));
    };
    for (int i = 0; i < 6; ++i) add("a", 2);
    for (int i = 0; i < 3; ++i) add("b", 2);
    for (int i = 0; i < 3; ++i) add("c", 4);
    std::promise<void> done;
    gate.opened.set_value();
    while (!thread.post("z", 200, [&] { done.set_value(); })) std::this_thread::yield();
    done.get_future().wait();
  }
  ASSERT_EQ(order.size(), 12u);
  const std::string first = order.substr(0, 5);
  EXPECT_EQ(std::ranges::count(first, 'b'), 2) << order;
  EXPECT_EQ(std::ranges::count(first, 'c'), 1) << order << ": theirs are twice as long";
}

TEST(TaskThread, ATenantLeavesRoomForOthers) {
  Gate gate;
  TaskThread thread({10, 5});
  ASSERT_TRUE(thread.post("a", 1, gate.task()));
  gate.entered.get_future().wait();
  EXPECT_TRUE(thread.post("a", 5, [] {}));
  EXPECT_FALSE(thread.post("a", 1, [] {}));
  EXPECT_TRUE(thread.post("b", 5, [] {}));
  EXPECT_FALSE(thread.post("c", 1, [] {})) << "all together";
  gate.opened.set_value();
}

TEST(TaskThread, ATaskThatThrowsEndsItselfAlone) {
  TaskThread thread({10, 10});
  auto held = std::make_shared<int>(1);
  std::promise<void> next;
  thread.post("a", 1, [held] { throw std::runtime_error("bad"); });
  thread.post("a", 1, [&] { next.set_value(); });
  next.get_future().wait();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(TaskThread, StopDropsWhatWaits) {
  Gate gate;
  auto held = std::make_shared<int>(1);
  TaskThread thread({10, 10});
  thread.post("a", 1, gate.task());
  gate.entered.get_future().wait();
  bool ran = false;
  thread.post("a", 1, [&ran, held] { ran = true; });
  std::thread stopper([&] { thread.stop(); });
  while (thread.post("a", 0, [] {})) std::this_thread::yield();
  gate.opened.set_value();
  stopper.join();
  EXPECT_FALSE(ran);
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace verge::serve::api
