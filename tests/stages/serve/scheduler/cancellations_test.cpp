#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include <verge/stages/serve/scheduler/cancellations.hpp>

namespace verge::serve {
namespace {

TEST(Cancellations, ARunStopsWhenNobodyWaitsForIt) {
  Cancellations cancellations;
  EXPECT_FALSE(*cancellations.flag());
  cancellations.begin(std::vector<RequestId>{1, 2});
  cancellations.request(1);
  EXPECT_FALSE(*cancellations.flag());
  cancellations.request(2);
  EXPECT_TRUE(*cancellations.flag());
  cancellations.end();
  EXPECT_FALSE(*cancellations.flag());
}

TEST(Cancellations, ThatCameBeforeTheRunCount) {
  Cancellations cancellations;
  cancellations.request(7);
  cancellations.begin(std::vector<RequestId>{7});
  EXPECT_TRUE(*cancellations.flag());
  cancellations.end();
  EXPECT_EQ(cancellations.take(), std::vector<RequestId>{7});
  EXPECT_TRUE(cancellations.take().empty());
  cancellations.begin(std::vector<RequestId>{7});
  EXPECT_FALSE(*cancellations.flag());
}

TEST(Cancellations, ARunThatThrowsIsOver) {
  Cancellations cancellations;
  try {
    const CancellableRun run(cancellations, std::vector<RequestId>{1});
    cancellations.request(1);
    EXPECT_TRUE(*cancellations.flag());
    throw std::runtime_error("no");
  } catch (const std::runtime_error&) {
    EXPECT_FALSE(*cancellations.flag());
  }
}

TEST(Cancellations, NoneIsLostBetweenThreads) {
  Cancellations cancellations;
  std::jthread client([&] {
    for (RequestId id = 1; id <= 1000; ++id) cancellations.request(id);
  });
  size_t taken = 0;
  while (taken < 1000) {
    cancellations.begin(std::vector<RequestId>{1, 2, 3});
    cancellations.end();
    taken += cancellations.take().size();
  }
  EXPECT_EQ(taken, 1000u);
}

}  // namespace
}  // namespace verge::serve
