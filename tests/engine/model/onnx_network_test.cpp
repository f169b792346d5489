#include <cmath>

#include <gtest/gtest.h>
#include <onnx_writer.hpp>

#include <verge/engine/model/onnx_network.hpp>

namespace verge::model {
namespace {

Tensor floats(const Shape& shape, const std::vector<float>& values) {
  Tensor tensor(DType::F32, shape);
  std::ranges::copy(values, tensor.span<float>().begin());
  return tensor;
}

class OnnxNetworkRun : public testing::Test {
 protected:
  Result<OnnxNetwork> compile(Shape shape) {
    return OnnxNetwork::compile(file_, std::vector<onnx::InputBinding>{{"x", shape, std::nullopt}},
                                pool_);
  }

  const std::string bytes_ = test::onnx_file(test::small_onnx());
  const format::onnx::Onnx file_ = format::onnx::Onnx::parse(test::onnx_bytes(bytes_)).value();
  ThreadPool pool_{1};
};

TEST_F(OnnxNetworkRun, EachSetOfShapesHasAPlanOfItsOwn) {
  for (int64_t rows : {1, 3}) {
    auto network = compile({rows, 2});
    ASSERT_TRUE(network) << network.error().message;
    std::vector<float> x(static_cast<size_t>(rows * 2), 1);
    ASSERT_TRUE(network->set_input("x", floats({rows, 2}, x).view()));
    network->run();
    const Tensor y = network->output(0);
    ASSERT_EQ(y.shape(), Shape({rows, 3}));
    EXPECT_EQ(y.span<float>().back(), 8);  // 3 + 6 - 1
    EXPECT_TRUE(network->plan().reference_nodes().empty());
  }
}

TEST_F(OnnxNetworkRun, RefusesInputsOfOtherShapesAndTypes) {
  auto network = compile({1, 2});
  ASSERT_TRUE(network);
  EXPECT_NE(network->set_input("x", floats({2, 1}, {1, 2}).view())
                .error()
                .message.find("input \"x\" is [1, 2] of float32, given are [2, 1] of f32"),
            std::string::npos);
  EXPECT_FALSE(network->set_input("x", Tensor(DType::I64, {1, 2}).view()));
  EXPECT_FALSE(network->set_input("z", floats({1, 2}, {1, 2}).view()));
  EXPECT_TRUE(network->set_input("x", Tensor(DType::F64, {1, 2}).view()));
}

TEST_F(OnnxNetworkRun, RandomInputsFollowTheirSeed) {
  auto network = compile({1, 2});
  ASSERT_TRUE(network);
  const auto answer = [&](uint64_t seed) {
    network->fill_inputs(seed);
    network->run();
    return network->output(0).span<float>()[0];
  };
  const float first = answer(1);
  EXPECT_NE(first, answer(2));
  EXPECT_EQ(first, answer(1));
}

// The network of one node, y = op(inputs), where x is given and c is as many zeros.
std::vector<float> values_of(const char* op, const std::vector<std::string>& inputs,
                             const std::vector<float>& x) {
  const std::vector<int64_t> dims = {static_cast<int64_t>(x.size())};
  test::OnnxParts parts;
  parts.nodes = {test::onnx_node(op, inputs, {"y"})};
  parts.constants = {
      test::onnx_tensor<float>("c", test::kOnnxFloat, dims, std::vector<float>(x.size()))};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, dims)};
  parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {})};
  const std::string bytes = test::onnx_file(parts);
  const auto file = format::onnx::Onnx::parse(test::onnx_bytes(bytes)).value();
  ThreadPool pool(1);
  auto network = OnnxNetwork::compile(file, {}, pool).value();
  EXPECT_TRUE(network.set_input("x", floats({dims[0]}, x).view()));
  network.run();
  const Tensor y = network.output(0);
  return {y.span<float>().begin(), y.span<float>().end()};
}

TEST(OnnxValues, WhatIsNoNumberIsTheExtreme) {
  for (const char* op : {"ReduceMax", "ReduceMin"}) {
    EXPECT_TRUE(std::isnan(values_of(op, {"x"}, {1, NAN, 2})[0])) << op;
  }
  for (const char* op : {"Max", "Min"}) {
    EXPECT_TRUE(std::isnan(values_of(op, {"x", "c"}, {1, NAN, 2})[1])) << op;
    EXPECT_TRUE(std::isnan(values_of(op, {"c", "x"}, {1, NAN, 2})[1])) << op;
  }
}

TEST(OnnxValues, TheLogarithmOfASumOfZerosIsInfinite) {
  EXPECT_EQ(values_of("ReduceLogSumExp", {"x"}, {-HUGE_VALF, -HUGE_VALF})[0], -HUGE_VALF);
  EXPECT_EQ(values_of("ReduceLogSumExp", {"x"}, {0, HUGE_VALF})[0], HUGE_VALF);
  EXPECT_NEAR(values_of("ReduceLogSumExp", {"x"}, {100, 100})[0], 100.693147, 1e-4);
}

TEST(OnnxTypesOutside, KeepWhatNumPyHas) {
  using format::onnx::ElementType;
  EXPECT_EQ(outer_dtype(ElementType::Float16), DType::F16);
  EXPECT_EQ(outer_dtype(ElementType::Bool), DType::U8);
  EXPECT_EQ(outer_dtype(ElementType::Uint16), DType::I64);
}

}  // namespace
}  // namespace verge::model
