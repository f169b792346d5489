#include <gtest/gtest.h>

#include <verge/stages/serve/collab/state_outbox.hpp>

namespace verge::serve {
namespace {

const std::vector<float> kRow = {1, 2};

TEST(StateOutbox, GathersUntilItIsWorthAPacket) {
  StateOutbox outbox(2, 500);
  EXPECT_FALSE(outbox.is_due(100));
  outbox.push(0, 0, kRow, 100);
  outbox.push(1, 0, kRow, 100);
  EXPECT_FALSE(outbox.is_due(100.004));
  EXPECT_EQ(outbox.bytes(), 1000);
  outbox.push(2, 0, kRow, 100);
  EXPECT_TRUE(outbox.is_due(100));
  EXPECT_EQ(outbox.front().position, 0);
  EXPECT_EQ(outbox.front().rows, (std::vector<float>{1, 2, 1, 2, 1, 2}));
  outbox.pop(100);
  EXPECT_TRUE(outbox.is_empty());
}

TEST(StateOutbox, WaitsNoLongerThanItMay) {
  StateOutbox outbox(2, 1);
  outbox.push(0, 0, kRow, 100);
  outbox.push(1, 0, kRow, 100.004);
  EXPECT_FALSE(outbox.is_due(100.0049));
  EXPECT_TRUE(outbox.is_due(100.0051));
}

TEST(StateOutbox, KeepsPromptsGapsAndDecodedTokensApart) {
  StateOutbox outbox(2, 1);
  outbox.push(0, 2, kRow, 0);
  outbox.push(1, 2, kRow, 0);
  outbox.push(2, 0, kRow, 0);
  outbox.push(9, 0, kRow, 0);
  EXPECT_TRUE(outbox.is_due(0));
  std::vector<int64_t> positions, tokens;
  for (; !outbox.is_empty(); outbox.pop(0)) {
    positions.push_back(outbox.front().position);
    tokens.push_back(static_cast<int64_t>(outbox.front().rows.size()) / 2);
  }
  EXPECT_EQ(positions, (std::vector<int64_t>{0, 2, 9}));
  EXPECT_EQ(tokens, (std::vector<int64_t>{2, 1, 1}));
}

TEST(StateOutbox, WhatIsNotWantedAnyMoreDoesNotLeave) {
  StateOutbox outbox(2, 1);
  outbox.push(0, 2, std::vector<float>{1, 2, 3, 4}, 0);
  for (int64_t position = 2; position < 6; ++position) outbox.push(position, 0, kRow, 0);
  outbox.rewind(4);
  EXPECT_EQ(outbox.bytes(), 4);
  outbox.push(4, 0, kRow, 0);
  outbox.rewind(1);
  EXPECT_EQ(outbox.front().rows, (std::vector<float>{1, 2}));
  outbox.pop(0);
  EXPECT_TRUE(outbox.is_empty());
  outbox.rewind(0);
  EXPECT_FALSE(outbox.is_due(100));
}

}  // namespace
}  // namespace verge::serve
