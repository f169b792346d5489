#include <bert_onnx.hpp>
#include <gtest/gtest.h>

#include <verge/stages/fit/tune/network_inputs.hpp>

namespace verge::fit {
namespace {

using onnx::InputBinding;

struct Case {
  std::string bytes = test::encoder_onnx();
  format::onnx::Onnx file =
      std::move(*format::onnx::Onnx::parse(test::onnx_bytes(bytes), "net.onnx"));

  Result<BaseShape> complete(int64_t batch, std::vector<InputBinding> inputs) const {
    return complete_shape(file, {.batch = batch, .inputs = std::move(inputs)});
  }
  std::string refusal(int64_t batch, std::vector<InputBinding> inputs) const {
    const auto shape = complete(batch, std::move(inputs));
    return shape ? "taken" : shape.error().message;
  }
};

TEST(NetworkInputs, OneShapeGivesThoseThatShareItsExtents) {
  const Case c;
  const std::vector<InputBinding> given[] = {
      {{"input_ids", Shape{8, 32}, std::nullopt}},
      {{"attention_mask", Shape{8, 32}, std::nullopt}},
      {{"sequence_length", Shape{32}, std::nullopt}, {"batch_size", Shape{8}, std::nullopt}}};
  for (const auto& inputs : given) {
    const auto shape = c.complete(0, inputs);
    ASSERT_TRUE(shape) << shape.error().message;
    EXPECT_EQ(shape->batch, 8);
    ASSERT_EQ(shape->inputs.size(), 3u);
    for (const InputBinding& input : shape->inputs) EXPECT_EQ(input.shape, Shape({8, 32}));
    EXPECT_EQ(complete_shape(c.file, *shape)->inputs.size(), 3u);
  }
  const auto by_batch = c.complete(4, {{"sequence_length", Shape{5}, std::nullopt}});
  ASSERT_TRUE(by_batch) << by_batch.error().message;
  EXPECT_EQ(by_batch->inputs[2].shape, Shape({4, 5}));
  EXPECT_EQ(c.complete(0, {{"sequence_length", Shape{5}, std::nullopt}})->batch, 1);
}

TEST(NetworkInputs, WhatStaysOpenIsNamed) {
  const Case c;
  EXPECT_EQ(c.refusal(8, {}),
            "net.onnx: extent 1 of input_ids (\"sequence_length\") is open; give --shape "
            "input_ids=8x128, or what it is");
  EXPECT_EQ(c.refusal(8, {{"ids", Shape{8, 32}, std::nullopt}}),
            "net.onnx: no input is named \"ids\"; there are \"input_ids\", \"attention_mask\", "
            "\"token_type_ids\"");
  EXPECT_NE(c.refusal(4, {{"input_ids", Shape{8, 32}, std::nullopt}}).find("batch 8, --batch 4"),
            std::string::npos);
}

TEST(NetworkInputs, BatchesOfTheFileAreKept) {
  test::OnnxParts parts = test::small_onnx();
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {3, 2})};
  const std::string bytes = test::onnx_file(parts);
  const auto file = format::onnx::Onnx::parse(test::onnx_bytes(bytes), "net.onnx");
  EXPECT_EQ(complete_shape(*file, {.batch = 0})->batch, 3);
  EXPECT_NE(complete_shape(*file, {.batch = 8}).error().message.find("batch of 3 in the file"),
            std::string::npos);
}

TEST(NetworkInputs, SingleIntegersNeedAValue) {
  test::OnnxParts parts = test::small_onnx();
  parts.inputs.push_back(test::onnx_value("rate", test::kOnnxInt64, {}));
  const std::string bytes = test::onnx_file(parts);
  const auto file = format::onnx::Onnx::parse(test::onnx_bytes(bytes), "net.onnx");
  EXPECT_NE(complete_shape(*file, {.batch = 2}).error().message.find("--value rate=1"),
            std::string::npos);
  const auto shape = complete_shape(*file, {.batch = 2, .inputs = {{"rate", Shape{}, 3.0}}});
  ASSERT_TRUE(shape) << shape.error().message;
  EXPECT_EQ(shape->inputs[1].value, 3.0);
}

TEST(NetworkInputs, ContradictionsAreRefused) {
  const Case c;
  const auto expect = [&](int64_t batch, std::vector<InputBinding> inputs, std::string_view part) {
    const std::string message = c.refusal(batch, std::move(inputs));
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  const auto sized = [](const char* name, const Shape& shape) {
    return InputBinding{name, shape, std::nullopt};
  };
  const InputBinding length = sized("sequence_length", Shape{32});
  expect(4, {sized("batch_size", Shape{8}), length}, "--shape batch_size=8 says batch 8");
  expect(0, {sized("batch_size", Shape{8}), sized("input_ids", Shape{4, 32})}, "says batch 8");
  expect(2, {length, sized("sequence_length", Shape{16})},
         "is 32 by --shape of sequence_length, 16 of sequence_length");
  expect(0, {length, sized("input_ids", Shape{4, 16})},
         "extent \"sequence_length\" is 32 by --shape of sequence_length, 16 of input_ids");
  expect(0, {sized("attention_mask", Shape{4, 8}), sized("input_ids", Shape{4, 16})},
         "is 8 by --shape of attention_mask, 16 of input_ids");
  expect(0, {sized("input_ids", Shape{4, 8}), sized("input_ids", Shape{4, 16})},
         "--shape of input_ids says [4, 8] and [4, 16]");
  expect(2, {length, {"input_ids", Shape{}, 3.0}}, "\"input_ids\" is no single integer");
  expect(2, {length, sized("input_ids", Shape{})}, "\"input_ids\" has no samples");
  EXPECT_EQ(c.refusal(8, {sized("batch_size", Shape{8}), length, length}), "taken");
}

// Importing takes a single integer for a switch.
TEST(NetworkInputs, OneIntegerASampleNeedsSeveralSamples) {
  test::OnnxParts parts = test::small_onnx();
  parts.inputs.push_back(test::onnx_value("kind", test::kOnnxInt64, {-1}));
  const std::string bytes = test::onnx_file(parts);
  const auto file = format::onnx::Onnx::parse(test::onnx_bytes(bytes), "net.onnx");
  EXPECT_NE(complete_shape(*file, {.batch = 1}).error().message.find("give --batch 2 or more"),
            std::string::npos);
  EXPECT_EQ(complete_shape(*file, {.batch = 2})->inputs[1].shape, Shape({2}));
}

}  // namespace
}  // namespace verge::fit
