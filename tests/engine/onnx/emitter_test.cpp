#include <cstring>

#include <gtest/gtest.h>

#include <verge/engine/onnx/emitter.hpp>

namespace verge::onnx {
namespace {

TEST(OnnxEmitter, ComputesWhatIsKnownAtOnce) {
  Emitter emitter("t");
  const Value a = emitter.constant({1, 2, 3}, {3}, ElementType::Int64);
  const Value b = emitter.constant({9007199254740991.0 / 4}, {}, ElementType::Int64);
  const Value sum = emitter.emit("add", {a, b}, {}, ElementType::Int64);
  ASSERT_TRUE(emitter.is_known(sum));
  EXPECT_EQ(emitter.values(sum)[2], 3 + 9007199254740991.0 / 4);
  EXPECT_TRUE(emitter.builder().graph().nodes.empty());
}

TEST(OnnxEmitter, LeavesTheRestToThePlan) {
  Emitter emitter("t");
  const Value x = emitter.input("x", ElementType::Float, {2, 3});
  const Value w = emitter.constant({1, 2, 3}, {3}, ElementType::Float);
  const Value y = emitter.emit("mul", {x, w}, {}, ElementType::Float);
  EXPECT_FALSE(emitter.is_known(y));
  EXPECT_TRUE(emitter.is_known(w));
  EXPECT_EQ(emitter.builder().graph().nodes.size(), 1u);
  EXPECT_EQ(emitter.shape(y), Shape({2, 3}));
  EXPECT_EQ(emitter.take_weights().size(), 1u);
}

// A constant repeated to 2^30 elements stays a node: what a file asks for is not made at once.
TEST(OnnxEmitter, MakesNothingLargeOfSmallThings) {
  Emitter emitter("t");
  const Value one = emitter.constant({1}, {}, ElementType::Float);
  const graph::Attrs huge = {{"dims", std::vector<int64_t>{1 << 15, 1 << 15}},
                             {"symbols", std::vector<int64_t>{-1, -1}}};
  const Value y = emitter.emit("broadcast_to", {one}, huge, ElementType::Float);
  EXPECT_FALSE(emitter.is_known(y));
  EXPECT_EQ(emitter.builder().graph().nodes.size(), 1u);
}

TEST(OnnxEmitter, RefusesResultsThatAreEmptyOrTooLarge) {
  Emitter emitter("t");
  const Value x = emitter.input("x", ElementType::Float, {4});
  const graph::Attrs nothing = {{"axis", int64_t{0}}, {"start", int64_t{0}}, {"size", int64_t{0}}};
  EXPECT_FALSE(emitter.emit("slice", {x}, nothing, ElementType::Float));
  EXPECT_NE(emitter.builder().finish().error().message.find("a tensor [0] is empty"),
            std::string::npos);
}

TEST(OnnxEmitter, TakesWeightsWhereTheyLie) {
  Emitter emitter("t");
  alignas(8) const float values[] = {1, 2, 3, 4, 5};
  format::onnx::TensorData tensor{.name = "w", .type = ElementType::Float, .dims = {4}};
  tensor.bytes = std::as_bytes(std::span(values)).first(16);
  ASSERT_TRUE(emitter.stored(tensor, nullptr));
  format::onnx::TensorData odd = tensor;
  odd.bytes = std::as_bytes(std::span(values)).subspan(2, 16);
  ASSERT_TRUE(emitter.stored(odd, nullptr));
  const std::vector<Weight> weights = emitter.take_weights();
  ASSERT_EQ(weights.size(), 2u);
  EXPECT_EQ(weights[0].view.data, values);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(weights[1].view.data) % 4, 0u);  // copied
  EXPECT_EQ(std::memcmp(weights[1].view.data, odd.bytes.data(), 16), 0);
  EXPECT_NE(weights[0].name, weights[1].name);
}

// However often a loop asks for its body's list.
TEST(OnnxEmitter, CopiesAStoredTensorOnce) {
  Emitter emitter("t");
  const int64_t values[] = {1, 2, 3};
  format::onnx::TensorData tensor{.name = "list", .type = ElementType::Int64, .dims = {3}};
  tensor.bytes = std::as_bytes(std::span(values));
  const Value first = emitter.stored(tensor, nullptr).value();
  const size_t made = emitter.builder().graph().values.size();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(emitter.stored(tensor, nullptr)->id, first.id);
  EXPECT_EQ(emitter.builder().graph().values.size(), made);
  EXPECT_EQ(emitter.values(first), (std::vector<double>{1, 2, 3}));
}

// Whole files of Range, Tile and LSTM nodes end at one budget.
TEST(OnnxEmitter, MakesSoManyElementsAndNodes) {
  Emitter lists("t");
  const std::vector<int64_t> positions(1 << 20);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(lists.indices(positions));
  EXPECT_FALSE(lists.indices(positions));
  EXPECT_NE(lists.builder().finish().error().message.find("constants of more than 4194304"),
            std::string::npos);
  EXPECT_EQ(lists.shape({}).rank(), 0);
  Emitter nodes("t");
  const Value x = nodes.input("x", ElementType::Float, {4});
  int made = 0;
  while (nodes.emit("relu", {x}, {}, ElementType::Float)) ++made;
  EXPECT_EQ(made, 1 << 17);
  EXPECT_NE(nodes.builder().finish().error().message.find("more than 131072 nodes"),
            std::string::npos);
}

TEST(OnnxEmitter, WidensHalves) {
  Emitter emitter("t");
  const uint16_t halves[] = {f32_to_f16(0.5f), f32_to_f16(-2)};
  format::onnx::TensorData tensor{.name = "w", .type = ElementType::Float16, .dims = {2}};
  tensor.bytes = std::as_bytes(std::span(halves));
  const auto value = emitter.stored(tensor, nullptr);
  ASSERT_TRUE(value);
  EXPECT_EQ(emitter.dtype(*value), DType::F32);
  EXPECT_EQ(emitter.values(*value), (std::vector<double>{0.5, -2}));
}

}  // namespace
}  // namespace verge::onnx
