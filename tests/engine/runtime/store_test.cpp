#include <atomic>

#include <gtest/gtest.h>

#include <verge/engine/runtime/store.hpp>

namespace verge::runtime {
namespace {

TEST(WeightStore, NamesWhatIsMissing) {
  const WeightStore weights;
  const auto absent = weights.native("blk.0.attn_q.weight");
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, Code::NotFound);
  EXPECT_NE(absent.error().message.find("blk.0.attn_q.weight"), std::string::npos);
}

TEST(WeightStore, PacksOnceAndGivesBackWhatItRead) {
  ThreadPool pool(2);
  WeightStore weights;
  Tensor matrix(DType::F32, {48, 64});
  int64_t released = 0;
  weights.add("w", matrix.view(), nullptr, [&](int64_t, int64_t bytes) { released += bytes; });
  EXPECT_EQ(weights.private_bytes(), 0);
  const auto first = weights.packed("w", pool), second = weights.packed("w", pool);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->data, second->data);
  EXPECT_EQ(released, matrix.view().bytes());
  EXPECT_EQ(weights.private_bytes(), matrix.view().bytes());
}

TEST(WeightStore, PreparesEachFormOnceAndNoneOfWhatIsTrained) {
  ThreadPool pool(2);
  WeightStore weights;
  weights.add("w", Tensor(DType::F32, {2, 3}));
  std::atomic<int> made = 0;
  const auto prepare = [&](const TensorView& native, std::byte*, Worker& worker) {
    EXPECT_EQ(native.shape, Shape({2, 3}));
    if (worker.index() == 0) ++made;
  };
  const auto a = weights.prepared("w", "a", 128, prepare, pool);
  const auto again = weights.prepared("w", "a", 128, prepare, pool);
  const auto b = weights.prepared("w", "b", 64, prepare, pool);
  ASSERT_TRUE(a.ok() && again.ok() && b.ok());
  EXPECT_EQ(a->data, again->data);
  EXPECT_NE(a->data, b->data);
  EXPECT_EQ(made, 2);
  EXPECT_EQ(weights.private_bytes(), 24 + 128 + 64);
  EXPECT_EQ(weights.mark_trained("w").error().code, Code::Conflict);
  weights.add("trained", Tensor(DType::F32, {2, 3}));
  ASSERT_TRUE(weights.mark_trained("trained").ok());
  EXPECT_EQ(weights.prepared("trained", "a", 8, prepare, pool).error().code, Code::Conflict);
}

TEST(WeightStore, PreparesWhatIsEmpty) {
  ThreadPool pool(1);
  WeightStore weights;
  weights.add("w", Tensor(DType::F32, {4, 0, 3, 3}));
  const auto prepare = [](const TensorView&, std::byte*, Worker&) {};
  const auto empty = weights.prepared("w", "a", 0, prepare, pool);
  ASSERT_TRUE(empty.ok());
  EXPECT_NE(empty->data, nullptr);
}

TEST(WeightStore, CountsWhatItOwns) {
  WeightStore weights;
  weights.add("w", Tensor(DType::F32, {10}));
  EXPECT_EQ(weights.private_bytes(), 40);
  EXPECT_TRUE(weights.native("w").ok());
}

TEST(WeightStore, WhatIsTrainedIsNeverPacked) {
  ThreadPool pool(1);
  WeightStore weights;
  weights.add("trained", Tensor(DType::F32, {16, 64}));
  weights.add("packed", Tensor(DType::F32, {16, 64}));
  EXPECT_EQ(weights.mark_trained("absent").error().code, Code::NotFound);
  ASSERT_TRUE(weights.mark_trained("trained").ok());
  const auto stale = weights.packed("trained", pool);
  ASSERT_FALSE(stale.ok());
  EXPECT_NE(stale.error().message.find("trained is in training"), std::string::npos);
  ASSERT_TRUE(weights.packed("packed", pool).ok());
  EXPECT_EQ(weights.mark_trained("packed").error().code, Code::Conflict);
}

TEST(StateStore, GivesTheSameZeroedMemoryToAll) {
  StateStore states;
  const auto a = states.get("kv.0", DType::F32, {4, 8}), b = states.get("kv.0", DType::F32, {4, 8});
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->data, b->data);
  for (const float value : a->span<float>()) EXPECT_EQ(value, 0.0f);
  EXPECT_EQ(states.reserved_bytes(), 128);
}

TEST(StateStore, RefusesAnotherType) {
  StateStore states;
  ASSERT_TRUE(states.get("kv.0", DType::F32, {4, 8}).ok());
  const auto other = states.get("kv.0", DType::F16, {4, 8});
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Code::Conflict);
}

TEST(StateStore, RefusesWhatTheSystemCannotGive) {
  StateStore states;
  const auto huge = states.get("kv.0", DType::F32, {int64_t{1} << 50});
  ASSERT_FALSE(huge.ok());
  EXPECT_EQ(huge.error().code, Code::OutOfMemory);
}

}  // namespace
}  // namespace verge::runtime
