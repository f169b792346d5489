// Kernels that work on elements or rows, forward: odd sizes, so that tails of vectors are met.

#include <array>

#include <gtest/gtest.h>

#include "op_agreement.hpp"

namespace verge::kernels {
namespace {

const graph::Dims kOdd[] = {{1}, {3, 7}, {5, 129}, {2, 3, 31}, {4, 16, 67}};

TEST(ElementwiseOps, AgreeWithTheirReferences) {
  for (const graph::Dims& dims : kOdd) {
    expect_agreement({"add", {reals(dims), reals(dims)}});
    expect_agreement({"mul", {reals(dims), reals(dims)}});
    expect_agreement({"mul", {reals(dims), reals({})}});
    expect_agreement({"relu", {reals(dims)}});
    expect_agreement({"relu", {reals(dims)}, {}, 0, {1}});
    expect_agreement({"scale", {reals(dims)}, {{"factor", -1.75}}});
    expect_agreement({"softcap", {reals(dims)}});
    expect_agreement({"softcap", {reals(dims)}, {{"cap", 0.7}}});
    expect_agreement({"softcap", {reals(dims)}, {{"cap", 30.0}}});
    expect_agreement({"swiglu", {reals(dims), reals(dims)}});
    expect_agreement({"geglu", {reals(dims), reals(dims)}});
    expect_agreement({"sum_rows", {reals(dims)}});
  }
}

TEST(ElementwiseOps, MaskKeepsWhatPassed) {
  for (const int64_t count : {1, 7, 8, 9, 511, 513, 4099}) {
    const int64_t bytes = (count + 7) / 8;
    expect_agreement({"apply_mask", {reals({count}), below(256, {bytes}, DType::U8)}});
  }
}

TEST(NormOps, AgreeWithTheirReferences) {
  const graph::Attrs attrs{{"eps", 1e-3}};
  for (const graph::Dims& dims : kOdd) {
    const graph::Dims row = {dims.back()};
    expect_agreement({"rms_norm", {reals(dims), reals(row)}, attrs});
    expect_agreement({"rms_norm", {reals(dims), absent()}, attrs});
    expect_agreement({"rms_norm", {reals(dims), reals(row)}, attrs, 2e-4, {1}});
  }
}

TEST(SliceOps, EveryAxisAndRange) {
  using Range = std::array<int64_t, 3>;  // axis, start, size of an axis of [4, 5, 6]
  for (const auto& [axis, start, size] :
       {Range{0, 0, 4}, {0, 3, 1}, {1, 2, 3}, {2, 1, 4}, {-1, 5, 1}, {-3, 1, 2}}) {
    expect_agreement(
        {"slice", {reals({4, 5, 6})}, {{"axis", axis}, {"start", start}, {"size", size}}, 0});
  }
}

TEST(RowOps, PickTheRowsAsked) {
  for (const int64_t width : {1, 33, 128}) {
    expect_agreement({"gather_rows", {reals({9, width}), below(9, {5})}, {}, 0});
    expect_agreement({"embedding", {reals({9, width}), below(9, {2, 7})}, {{"scale", 3.5}}});
  }
  for (const DType type : {DType::F16, DType::BF16, DType::Q8_0, DType::Q4_K, DType::Q6_K}) {
    expect_agreement({"embedding", {stored(type, {11, 256}), below(11, {7})}});
  }
}

TEST(RopeOps, AgreeWithTheirReferences) {
  for (const char* pairs : {"half", "interleaved"}) {
    for (const int64_t inverse : {0, 1}) {
      const graph::Attrs attrs{{"pairs", std::string(pairs)}, {"inverse", inverse}};
      expect_agreement({"rope", {reals({5, 3, 16}), reals({5, 16})}, attrs});
      expect_agreement({"rope", {reals({5, 3, 22}), reals({5, 6})}, attrs});
      expect_agreement({"rope", {reals({2, 7, 1, 10}), reals({7, 10})}, attrs});
    }
  }
  expect_agreement({"rope_angles", {below(100000, {9}), positive({11})}, {{"magnitude", 1.25}}});
}

}  // namespace
}  // namespace verge::kernels
