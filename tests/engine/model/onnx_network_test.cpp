#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <onnx_writer.hpp>

#include <verge/core/clock.hpp>
#include <verge/engine/model/onnx_network.hpp>
#include <verge/engine/runtime/kernel_chooser.hpp>

#include "reference_backend.hpp"

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

std::vector<float> ramp(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i * 37 % 101) / 101 - 0.5f;
  return values;
}

// A stem, a residual block and a head.
test::OnnxParts image_network() {
  const auto weight = [](const char* name, const std::vector<int64_t>& dims) {
    const int64_t count = dims[0] * dims[1] * dims[2] * dims[3];
    return test::onnx_tensor<float>(name, test::kOnnxFloat, dims, ramp(static_cast<size_t>(count)));
  };
  test::OnnxParts parts;
  parts.nodes = {test::onnx_node("Conv", {"x", "v"}, {"a"}), test::onnx_node("Relu", {"a"}, {"b"}),
                 test::onnx_node("Conv", {"b", "w"}, {"c"}),
                 test::onnx_node("Add", {"b", "c"}, {"d"}),
                 test::onnx_node("GlobalAveragePool", {"d"}, {"y"})};
  parts.constants = {weight("v", {30, 3, 3, 3}), weight("w", {30, 30, 1, 1})};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {2, 3, 20, 21})};
  parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {2, 30, 1, 1})};
  return parts;
}

TEST(OnnxLayout, ImagesInBlocksGiveTheSameNumbers) {
  const std::string bytes = test::onnx_file(image_network());
  const auto file = format::onnx::Onnx::parse(test::onnx_bytes(bytes)).value();
  const Tensor x = floats({2, 3, 20, 21}, ramp(2 * 3 * 20 * 21));
  ThreadPool pool(2);
  OnnxGraph plain = optimized_onnx(file, {}).value();
  runtime::StateStore states;
  runtime::Plan plan = runtime::Plan::compile(plain.graph, *plain.weights, states, pool).value();
  std::ranges::copy(x.span<float>(), plan.input(plain.inputs[0].value).as<float>());
  plan.run({});
  auto network = OnnxNetwork::compile(file, {}, pool).value();
  const auto& nodes = network.plan().graph().nodes;
  EXPECT_TRUE(std::ranges::any_of(
      nodes, [](const graph::Node& node) { return node.op->name == "conv2d_blocked"; }));
  EXPECT_TRUE(network.plan().reference_nodes().empty());
  ASSERT_TRUE(network.set_input("x", x.view()));
  std::vector<std::vector<float>> answers;
  for (int run = 0; run < 2; ++run) {
    network.run();
    const Tensor y = network.output(0);
    answers.emplace_back(y.span<float>().begin(), y.span<float>().end());
  }
  EXPECT_EQ(answers[0], answers[1]);
  const auto wanted = plan.output(plain.outputs[0].value).span<float>();
  ASSERT_EQ(answers[0].size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(answers[0][i], wanted[i], 1e-4);
}

// Takes convolutions, and cannot compile them.
class FailingBackend : public support::ReferenceBackend {
 public:
  FailingBackend() { supported = {"conv2d"}; }
  Result<std::unique_ptr<runtime::BackendRegion>> compile(const graph::Graph&,
                                                          std::span<const TensorView>,
                                                          ThreadPool&) override {
    return make_error(Code::OutOfMemory, "no room for the region");
  }
};

bool has_blocks(const OnnxNetwork& network) {
  return std::ranges::any_of(network.plan().graph().nodes, [](const graph::Node& node) {
    return node.op->name == "conv2d_blocked";
  });
}

class OnnxBackends : public testing::Test {
 protected:
  Result<OnnxNetwork> compile(std::shared_ptr<runtime::Backend> backend, bool times) {
    runtime::PlanOptions options{.chooser = times ? &chooser_ : nullptr,
                                 .backends = {std::move(backend)}};
    options.times_backends = times;
    return OnnxNetwork::compile(file_, {}, pool_, options);
  }

  const std::string bytes_ = test::onnx_file(image_network());
  const format::onnx::Onnx file_ = format::onnx::Onnx::parse(test::onnx_bytes(bytes_)).value();
  ThreadPool pool_{1};
  SystemClock clock_;
  runtime::KernelChooser chooser_{{}, "machine", pool_, kernels::best_isa(), clock_};
};

TEST_F(OnnxBackends, OneThatFailsIsLeftOutWhereItIsTimed) {
  const auto backend = std::make_shared<FailingBackend>();
  auto network = compile(backend, true);
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_EQ(network->backend_failure(), "no room for the region");
  EXPECT_TRUE(network->partition().backend.empty());
  network->fill_inputs(1);
  network->run();
  const auto named = compile(backend, false);  // who names it wants it
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().code, Code::OutOfMemory);
}

TEST_F(OnnxBackends, OneThatTakesNothingLeavesTheLayoutToBeChosen) {
  auto backend = std::make_shared<support::ReferenceBackend>();
  backend->supported = {"erf"};
  auto network = compile(backend, false);
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_TRUE(has_blocks(*network));
  EXPECT_EQ(network->partition().backend, "operators");
  EXPECT_FALSE(network->partition().stayed.empty());
  EXPECT_TRUE(network->backend_failure().empty());
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
