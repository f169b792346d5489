// Low-rank adapters of a batch: what a row gets, and that nobody beside it changes a bit of that.

#include <cstring>

#include <gtest/gtest.h>

#include <verge/core/tensor.hpp>
#include <verge/engine/kernels/kernel.hpp>

#include "../random_data.hpp"
#include "../workspace.hpp"
#include "op_agreement.hpp"

namespace verge::kernels {
namespace {

TEST(AdapterOps, RowsWithTheirOwnAdapterOrNone) {
  const OpInput ids = given({11}, {2, 0, -1, 2, 2, 1, 2, -1, 2, 2, 0}, DType::I32);
  const OpInput scales = given({3}, {0.5, 2, -1}), ranks = given({3}, {6, 0, 9}, DType::I32);
  for (const DType type : {DType::F32, DType::F16, DType::BF16}) {
    for (const auto& [in, out] : {std::pair<int64_t, int64_t>{64, 256}, {37, 19}, {300, 531}}) {
      const OpInput x = reals({11, in}), y = reals({11, out});
      const OpInput a = stored(type, {3, 9, in}), b = stored(type, {3, 9, out});
      expect_agreement({"lora", {x, y, a, b, ids, scales, ranks}});
      expect_agreement({"lora", {x, absent(), a, b, ids, scales, ranks}});
    }
  }
}

// Random adapters of ranks 1 to 8 between rows of 75 and 290.
class AdapterBatch {
 public:
  static constexpr int64_t kRows = 23, kIn = 75, kOut = 290, kAdapters = 4, kRank = 8;

  AdapterBatch()
      : x_(random_floats(kRows * kIn, 1)),
        y_(random_floats(kRows * kOut, 2)),
        a_(random_floats(kAdapters * kRank * kIn, 3)),
        b_(random_floats(kAdapters * kRank * kOut, 4)) {}

  /// Output rows of the rows `chosen`, run together.
  std::vector<float> run(const std::vector<int64_t>& chosen, ThreadPool& pool, Isa isa) {
    const auto count = static_cast<int64_t>(chosen.size());
    std::vector<float> x, y;
    std::vector<int32_t> ids;
    for (const int64_t row : chosen) {
      x.insert(x.end(), x_.begin() + row * kIn, x_.begin() + (row + 1) * kIn);
      y.insert(y.end(), y_.begin() + row * kOut, y_.begin() + (row + 1) * kOut);
      ids.push_back(id(row));
    }
    const std::vector<TensorView> inputs = {
        {x.data(), DType::F32, {count, kIn}},
        {y.data(), DType::F32, {count, kOut}},
        {a_.data(), DType::F32, {kAdapters, kRank, kIn}},
        {b_.data(), DType::F32, {kAdapters, kRank, kOut}},
        {ids.data(), DType::I32, {count}},
        {scales_.data(), DType::F32, {kAdapters}},
        {ranks_.data(), DType::I32, {kAdapters}},
    };
    const std::vector<TensorView> outputs = {inputs[1]};
    graph::KernelCall call{inputs, outputs, attrs_};
    const KernelDef& kernel = *find_kernel("lora");
    Workspace workspace(static_cast<size_t>(kernel.workspace_bytes(call, pool.size(), isa)));
    call.workspace = static_cast<std::byte*>(workspace.get());
    pool.run([&](Worker& worker) { kernel.run(call, worker, isa); });
    return y;
  }

  /// Whether a plan passes over the rows `chosen`.
  bool is_idle(const std::vector<int64_t>& chosen, bool in_place) {
    std::vector<int32_t> ids;
    for (const int64_t row : chosen) ids.push_back(id(row));
    const auto count = static_cast<int64_t>(chosen.size());
    std::vector<TensorView> inputs(7), outputs(1);
    inputs[1] = {y_.data(), DType::F32, {count, kOut}};
    inputs[4] = {ids.data(), DType::I32, {count}};
    inputs[6] = {ranks_.data(), DType::I32, {kAdapters}};
    outputs[0] = inputs[1];
    if (!in_place) outputs[0].data = x_.data();
    return find_kernel("lora")->is_idle({inputs, outputs, attrs_});
  }

  static int32_t id(int64_t row) { return static_cast<int32_t>(row * 7 % 5) - 1; }
  std::span<const float> untouched(int64_t row) const {
    return std::span(y_).subspan(static_cast<size_t>(row * kOut), kOut);
  }

 private:
  std::vector<float> x_, y_, a_, b_;
  std::vector<float> scales_ = {1, 0.25f, -3, 1.5f};
  std::vector<int32_t> ranks_ = {8, 1, 4, 7};
  graph::Attrs attrs_;
};

TEST(AdapterOps, ARowsBitsDependOnItAlone) {
  AdapterBatch batch;
  std::vector<int64_t> all;
  for (int64_t row = 0; row < AdapterBatch::kRows; ++row) all.push_back(row);
  ThreadPool one(1), two(2);
  for (const Isa isa : machine_isas()) {
    const std::vector<float> together = batch.run(all, two, isa);
    for (int64_t row = 0; row < AdapterBatch::kRows; ++row) {
      const auto found = std::span(together).subspan(static_cast<size_t>(row * AdapterBatch::kOut),
                                                     AdapterBatch::kOut);
      EXPECT_TRUE(std::ranges::equal(batch.run({row}, one, isa), found)) << name(isa) << row;
      const bool is_same = std::ranges::equal(found, batch.untouched(row));
      EXPECT_EQ(is_same, AdapterBatch::id(row) < 0) << row;
    }
  }
}

TEST(AdapterOps, RowsWithoutAdapterCostNothingInPlace) {
  AdapterBatch batch;
  std::vector<int64_t> none;
  for (int64_t row = 0; row < AdapterBatch::kRows; ++row) {
    if (AdapterBatch::id(row) < 0) none.push_back(row);
  }
  ASSERT_FALSE(none.empty());
  EXPECT_TRUE(batch.is_idle(none, true));
  EXPECT_FALSE(batch.is_idle(none, false));  // y must be copied
  none.push_back(1);
  ASSERT_GE(AdapterBatch::id(1), 0);
  EXPECT_FALSE(batch.is_idle(none, true));
}

}  // namespace
}  // namespace verge::kernels
