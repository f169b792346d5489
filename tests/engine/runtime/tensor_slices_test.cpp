#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/runtime/tensor_slices.hpp>

namespace verge::runtime {
namespace {

using Runs = std::vector<SliceRun>;

// Of a tensor of zeros, with ones at these values.
std::optional<TensorSlices> slices_of(const Shape& shape, const std::vector<int64_t>& changed) {
  const Tensor before(DType::F32, shape), after(DType::F32, shape);
  for (const int64_t at : changed) after.span<float>()[static_cast<size_t>(at)] = 1;
  return changed_slices(before.view(), after.view());
}

TEST(TensorSlices, NothingOfWhatIsTheSame) {
  EXPECT_FALSE(slices_of({8, 8}, {}));
  EXPECT_FALSE(slices_of({0, 8}, {}));
}

TEST(TensorSlices, AreAlongTheAxisThatIsSmaller) {
  const auto row = slices_of({64, 64}, {5 * 64 + 3, 5 * 64 + 60});
  ASSERT_TRUE(row);
  EXPECT_EQ(row->axis, 0);
  EXPECT_EQ(row->runs, (Runs{{5, 1}}));
  const auto column = slices_of({64, 64}, {3 * 64 + 9, 40 * 64 + 9});
  ASSERT_TRUE(column);
  EXPECT_EQ(column->axis, 1);
  EXPECT_EQ(column->runs, (Runs{{9, 1}}));
  const auto channel = slices_of({16, 8, 3, 3}, {2 * 9 + 4, 72 + 2 * 9, 5 * 72 + 2 * 9 + 8});
  ASSERT_TRUE(channel);
  EXPECT_EQ(channel->axis, 1);
  EXPECT_EQ(channel->runs, (Runs{{2, 1}}));
  EXPECT_EQ(bytes_of({nullptr, DType::F32, {16, 8, 3, 3}}, *channel), 16 * 9 * 4);
}

TEST(TensorSlices, AreTheWholeWhereThatIsSmaller) {
  std::vector<int64_t> all, diagonal;
  for (int64_t i = 0; i < 64; ++i) all.push_back(i);
  for (int64_t i = 0; i < 8; ++i) diagonal.push_back(i * 9);
  for (const auto& changed : {all, diagonal}) {
    const auto slices = slices_of({8, 8}, changed);
    ASSERT_TRUE(slices);
    EXPECT_TRUE(slices->is_whole());
    EXPECT_EQ(bytes_of({nullptr, DType::F32, {8, 8}}, *slices), 256);
  }
  EXPECT_TRUE(slices_of({}, {0})->is_whole());  // a single number
}

TEST(TensorSlices, RunsThatAreNearAreOne) {
  EXPECT_EQ(slices_of({100}, {10, 12, 50})->runs, (Runs{{10, 3}, {50, 1}}));
  EXPECT_EQ(slices_of({100, 100}, {1000, 1050, 1201, 1251})->runs, (Runs{{10, 1}, {12, 1}}));
}

TEST(TensorSlices, BlocksAreTheIndicesOfTheLastAxis) {
  const Tensor before(DType::Q8_0, {4, 256}), after(DType::Q8_0, {4, 256});
  const AxisLayout blocks = axis_layout(before.view(), 1);
  EXPECT_EQ(blocks.outer, 4);
  EXPECT_EQ(blocks.count, 8);
  EXPECT_EQ(blocks.slice_bytes, 34);
  const AxisLayout rows = axis_layout(before.view(), 0);
  EXPECT_EQ(rows.count, 4);
  EXPECT_EQ(rows.slice_bytes, 8 * 34);
  for (const int64_t row : {0, 3}) after.view().as<uint8_t>()[row * 8 * 34 + 2 * 34 + 7] = 1;
  const auto slices = changed_slices(before.view(), after.view());
  ASSERT_TRUE(slices);
  EXPECT_EQ(slices->axis, 1);
  EXPECT_EQ(slices->runs, (Runs{{2, 1}}));
}

// Minus zero and other bits of no number are changes.
TEST(TensorSlices, BitsAreComparedNotValues) {
  const Tensor before(DType::F32, {100}), after(DType::F32, {100});
  after.span<float>()[7] = -0.0f;
  EXPECT_EQ(changed_slices(before.view(), after.view())->runs, (Runs{{7, 1}}));
}

TEST(TensorSlices, MergedPiecesAreTheTensorWithTheValuesInIt) {
  Rng rng(2);
  for (int round = 0; round < 300; ++round) {
    const Shape shape{1 + rng.below(5), 1 + rng.below(7), 1 + rng.below(4)};
    const Tensor before(DType::F16, shape), after(DType::F16, shape);
    for (uint16_t& value : before.span<uint16_t>()) value = static_cast<uint16_t>(rng.below(9));
    std::ranges::copy(before.span<uint16_t>(), after.span<uint16_t>().begin());
    for (uint16_t& value : after.span<uint16_t>()) {
      if (rng.below(8) == 0) ++value;
    }
    const auto slices = changed_slices(before.view(), after.view());
    if (!slices) continue;
    std::vector<std::byte> values, merged;
    const auto append = [](std::vector<std::byte>& to, std::span<const std::byte> bytes) {
      to.insert(to.end(), bytes.begin(), bytes.end());
    };
    for_each_piece(after.view(), *slices, [&](int64_t offset, int64_t bytes) {
      append(values, {after.view().as<std::byte>() + offset, static_cast<size_t>(bytes)});
    });
    EXPECT_EQ(std::ssize(values), bytes_of(after.view(), *slices));
    for_each_merged(before.view(), *slices, values,
                    [&](std::span<const std::byte> piece) { append(merged, piece); });
    ASSERT_EQ(std::ssize(merged), after.view().bytes());
    EXPECT_EQ(std::memcmp(merged.data(), after.view().data, merged.size()), 0) << round;
  }
}

}  // namespace
}  // namespace verge::runtime
