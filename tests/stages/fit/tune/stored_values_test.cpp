#include <algorithm>
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/quant/quantize.hpp>
#include <verge/stages/fit/tune/stored_values.hpp>

namespace verge::fit {
namespace {

std::vector<float> values_of(const TensorView& tensor) {
  const std::vector<double> values = graph::load(tensor);
  return {values.begin(), values.end()};
}

Tensor random_stored(DType dtype, const Shape& shape) {
  Rng rng(1);
  const Tensor values(DType::F32, shape);
  for (float& value : values.span<float>()) value = rng.normal();
  Tensor stored(dtype, shape);
  ThreadPool pool(1);
  EXPECT_TRUE(quant::quantize(values.view(), stored.view(), {}, pool));
  return stored;
}

TEST(StoredValues, NothingOfWhatStayed) {
  ThreadPool pool(1);
  const Tensor stored = random_stored(DType::Q4_K, {2, 512});
  const std::vector<float> values = values_of(stored.view());
  const auto result = with_changed_values(stored.view(), values, values, pool);
  ASSERT_TRUE(result);
  EXPECT_FALSE(*result);
}

// A type of blocks encodes most values it decoded otherwise: those that stayed must not move.
TEST(StoredValues, BlocksWhoseValuesStayedKeepTheirBytes) {
  ThreadPool pool(1);
  for (const DType dtype :
       {DType::F32, DType::F16, DType::BF16, DType::Q8_0, DType::Q4_0, DType::Q4_K, DType::Q6_K}) {
    const Tensor stored = random_stored(dtype, {3, 512});
    const std::vector<float> before = values_of(stored.view());
    std::vector<float> after = before;
    constexpr size_t kChanged = 512 + 300;
    after[kChanged] = 3.5f;
    const auto result = with_changed_values(stored.view(), before, after, pool);
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_TRUE(*result);
    EXPECT_NEAR(values_of((*result)->view())[kChanged], 3.5f, 0.3f) << name(dtype);
    const auto width = static_cast<size_t>(info(dtype).block_bytes),
               size = static_cast<size_t>(info(dtype).block_size);
    for (size_t block = 0; block < before.size() / size; ++block) {
      const bool is_same = std::memcmp((*result)->view().as<std::byte>() + block * width,
                                       stored.view().as<std::byte>() + block * width, width) == 0;
      EXPECT_EQ(is_same, block != kChanged / size) << name(dtype) << " " << block;
    }
  }
}

TEST(StoredValues, NamesAValueThatIsNoNumber) {
  ThreadPool pool(1);
  const Tensor stored = random_stored(DType::Q8_0, {1, 32});
  const std::vector<float> before = values_of(stored.view());
  std::vector<float> after = before;
  after[5] = INFINITY;
  EXPECT_FALSE(with_changed_values(stored.view(), before, after, pool));
}

// A base with a weight "w" of 256 values, in an ONNX file's tensor or under its own name.
struct Placed {
  Tensor values{DType::F32, {16, 16}};
  BaseModel base;

  explicit Placed(BaseKind kind) {
    base.path = "net";
    base.kind = kind;
    base.weights["w"] = {values.view(), nullptr};
    if (kind == BaseKind::Onnx) base.origins["w"] = {"t", true};
  }
  std::string refusal(const runtime::NamedTensors& tensors, const std::string& weight = "w") const {
    const auto place = place_in_file(base, weight, tensors);
    return place ? "taken" : place.error().message;
  }
};

TensorView of_type(DType dtype, int64_t count = 256) {
  return {nullptr, dtype, {count}};
}

TEST(StoredValues, APlaceIsWhereTheFileHasTheWeight) {
  const auto found = place_in_file(Placed(BaseKind::Onnx).base, "w",
                                   {{"", of_type(DType::F32)}, {"t", of_type(DType::BF16)}});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->tensor, 1u);
  EXPECT_TRUE(found->is_transposed);
  EXPECT_FALSE(place_in_file(Placed(BaseKind::Classifier).base, "w", {{"w", of_type(DType::F32)}})
                   ->is_transposed);
  EXPECT_EQ(Placed(BaseKind::Levels).refusal({{"w", of_type(DType::I8)}}), "taken");
}

TEST(StoredValues, WhatHasNoPlaceSaysWhy) {
  const auto expect = [](const std::string& message, std::string_view part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find("--delta"), std::string::npos) << message;
  };
  const Placed language(BaseKind::LanguageModel);
  expect(language.refusal({{"w", of_type(DType::IQ4_XS)}}), "is tensor w of iq4_xs, which");
  expect(language.refusal({{"w", of_type(DType::F32, 255)}}), "has 256 values, tensor w 255");
  expect(language.refusal({{"v", of_type(DType::F32)}}), "none of the file's tensors");
  expect(language.refusal({{"w", of_type(DType::F32)}}, "v"), "compile it anew");
  Placed network(BaseKind::Onnx);
  network.base.origins["v"] = {"t", false};
  expect(network.refusal({{"t", of_type(DType::F32)}}), "is one of 2 forms of tensor t");
  network.base.origins["w"] = {};
  expect(network.refusal({{"", of_type(DType::F32)}}), "is computed from the file's tensors");
}

}  // namespace
}  // namespace verge::fit
