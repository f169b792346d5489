#include <algorithm>

#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/model/onnx_network.hpp>
#include <verge/stages/fit/quantize_network/fold_norms.hpp>
#include <verge/stages/fit/quantize_network/placement.hpp>
#include <verge/stages/fit/quantize_network/quantize_network.hpp>

#include "small_network.hpp"

namespace verge::fit {
namespace {

class QuantizeNetwork : public ::testing::Test {
 protected:
  format::onnx::Onnx open(const test::OnnxParts& parts, int64_t opset = 17) {
    bytes_ = test::onnx_file(parts, opset);
    path_ = folder_.add("net.onnx", bytes_);
    return format::onnx::Onnx::open(path_).value();
  }
  Result<NetworkReport> quantize(const format::onnx::Onnx& file,
                                 const NetworkQuantization& options = {},
                                 const SampleSet& samples = test::random_samples(20)) {
    return quantize_network(file, folder_ / "int8.onnx", samples, {}, options, pool_, clock_);
  }
  // The network's answer on one sample.
  std::vector<double> answer(const std::string& path, std::vector<std::string> without = {}) {
    const auto file = format::onnx::Onnx::open(path).value();
    const auto sample = test::random_samples(1, 77).get(0).value();
    const onnx::InputBinding binding{"x", sample.inputs[0].second.shape(), std::nullopt};
    auto graph =
        model::optimized_onnx(file, {&binding, 1}, {.disabled_passes = std::move(without)}).value();
    operators_.clear();
    for (const auto& node : graph.graph.nodes) operators_.emplace_back(node.op->name);
    runtime::StateStore states;
    auto plan =
        runtime::Plan::compile(std::move(graph.graph), *graph.weights, states, pool_).value();
    graph::store(plan.input("x"), graph::load(sample.inputs[0].second.view()));
    plan.run({});
    return graph::load(plan.output("y"));
  }

  test::TemporaryFolder folder_;
  std::string bytes_, path_;
  ThreadPool pool_{2};
  SystemClock clock_;
  std::vector<std::string> operators_;
};

TEST_F(QuantizeNetwork, TheFileAnswersAsTheNetworkNearly) {
  for (const auto method :
       {CalibrationMethod::Entropy, CalibrationMethod::Percentile, CalibrationMethod::MinMax}) {
    NetworkQuantization options;
    options.method = method;
    const auto report = quantize(open(test::small_network()), options);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->layers.size(), 3u);
    EXPECT_EQ(report->calibrated, 20);
    for (const LayerQuality& layer : report->layers) {
      EXPECT_GT(layer.sqnr, 20) << layer.name;
      EXPECT_FALSE(layer.is_kept);
    }
    EXPECT_GT(report->comparison.output_sqnr, 20) << name(method);
    EXPECT_GE(report->comparison.agreement, 0.9);
  }
}

// All of it runs on levels, and gives what dequantized floats give, but for a rounding here and
// there.
TEST_F(QuantizeNetwork, LevelsAgreeWithTheirEmulation) {
  ASSERT_TRUE(quantize(open(test::small_network())));
  const auto levels = answer(folder_ / "int8.onnx");
  for (const char* op : {"conv2d", "add", "linear", "relu", "batch_norm", "global_avg_pool"}) {
    EXPECT_EQ(std::ranges::count(operators_, op), 0) << op;
  }
  const auto floats = answer(folder_ / "int8.onnx", {"lower_int8", "int8_pixels"});
  EXPECT_EQ(std::ranges::count(operators_, "conv2d_int8"), 0);
  ASSERT_EQ(levels.size(), floats.size());
  for (size_t i = 0; i < levels.size(); ++i) EXPECT_NEAR(levels[i], floats[i], 0.03) << i;
}

// One bias for all outputs, as Gemm may have it.
TEST_F(QuantizeNetwork, ABiasOfOneElementIsThatOfAllChannels) {
  test::OnnxParts parts = test::small_network();
  parts.constants.back() = test::onnx_tensor<float>("b3", test::kOnnxFloat, {1}, {40});
  const auto report = quantize(open(parts));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(report->comparison.output_sqnr, 40) << "a bias of 40 is most of the answer";
  for (const double y : answer(folder_ / "int8.onnx")) EXPECT_NEAR(y, 40, 10);
  EXPECT_EQ(std::ranges::count(operators_, "linear"), 0);
}

// The quotient by what becomes level 0: infinite, which no SQNR says.
TEST_F(QuantizeNetwork, AnswersThatAreNoNumbersAreAFailure) {
  test::OnnxParts parts = test::small_network();
  const size_t count = parts.constants.size();
  parts.constants[count - 2] =
      test::onnx_tensor<float>("w3", test::kOnnxFloat, {5, 8}, std::vector<float>(40));
  parts.constants[count - 1] =
      test::onnx_tensor<float>("b3", test::kOnnxFloat, {5}, {100, 0.01f, 50, 20, 10});
  parts.constants.push_back(
      test::onnx_tensor<float>("one", test::kOnnxFloat, {5}, {1, 1, 1, 1, 1}));
  parts.nodes.back() = test::onnx_node("Gemm", {"f", "w3", "b3"}, {"product"},
                                       {test::onnx_integer_attribute("transB", 1)});
  parts.nodes.push_back(test::onnx_node("Div", {"one", "product"}, {"y"}));
  const auto refused = quantize(open(parts));
  ASSERT_FALSE(refused) << refused->comparison.output_sqnr;
  EXPECT_NE(refused.error().message.find("what is no number"), std::string::npos)
      << refused.error().message;
}

TEST_F(QuantizeNetwork, WeightsTakeAByte) {
  test::OnnxParts parts = test::small_network();
  parts.nodes[3] = test::onnx_node("Conv", {"r1", "wide"}, {"c2"}, {test::same_padding()});
  parts.nodes[4] = test::onnx_node("Conv", {"c2", "narrow"}, {"a"}, {});
  parts.constants.push_back(test::random_tensor("wide", {256, 8, 3, 3}, -0.2, 0.2));
  parts.constants.push_back(test::random_tensor("narrow", {8, 256, 1, 1}, -0.1, 0.1));
  const auto report = quantize(open(parts));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_LT(static_cast<double>(report->bytes), 0.4 * static_cast<double>(report->source_bytes));
}

TEST_F(QuantizeNetwork, LayersStayFloatsWhereAsked) {
  NetworkQuantization options;
  options.keep = {"c2"};
  auto report = quantize(open(test::small_network()), options);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->layers.size(), 2u);
  answer(folder_ / "int8.onnx");
  EXPECT_EQ(std::ranges::count(operators_, "conv2d"), 1);
  options.keep = {"no such layer"};
  report = quantize(open(test::small_network()), options);
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message.find("no such layer"), std::string::npos);
}

// A channel of weights with one value a thousand times the others loses them all.
TEST_F(QuantizeNetwork, LayersThatLoseMuchStayFloats) {
  NetworkQuantization options;
  options.least_sqnr = 200;
  auto report = quantize(open(test::small_network()), options);
  ASSERT_FALSE(report) << "no layer is left";
  EXPECT_EQ(report.error().code, Code::Unsupported);
  options.least_sqnr = 0;
  report = quantize(open(test::small_network()), options);
  ASSERT_TRUE(report);
  double least = 1e9, most = 0;
  for (const LayerQuality& layer : report->layers) {
    least = std::min(least, layer.sqnr);
    most = std::max(most, layer.sqnr);
  }
  options.least_sqnr = (least + most) / 2;
  report = quantize(open(test::small_network()), options);
  ASSERT_TRUE(report);
  const auto kept = std::ranges::count_if(report->layers, &LayerQuality::is_kept);
  EXPECT_GE(kept, 1);
  EXPECT_LT(kept, 3);
}

TEST_F(QuantizeNetwork, LabelsGiveAccuracy) {
  const SampleSet plain = test::random_samples(10);
  const SampleSet labelled{10, [&](int64_t i) -> Result<NetworkSample> {
                             VERGE_TRY(NetworkSample sample, plain.get(i));
                             sample.label = 3;
                             return sample;
                           }};
  const auto file = open(test::small_network());
  const auto report = quantize_network(file, folder_ / "int8.onnx", test::random_samples(5),
                                       labelled, {}, pool_, clock_);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->comparison.labelled, 10);
  EXPECT_NEAR(report->comparison.accuracy, report->comparison.accuracy_before, 0.11);
}

// Floats and levels may select another number of boxes.
TEST_F(QuantizeNetwork, OutputsOfSelectedBoxesAreRefusedBeforeAnythingIsWritten) {
  test::OnnxParts parts = test::small_network();
  parts.nodes.push_back(test::onnx_node("Reshape", {"y", "as_scores"}, {"scores"}));
  parts.nodes.push_back(test::onnx_node("NonMaxSuppression", {"boxes", "scores", "most"}, {"n"}));
  parts.constants.push_back(
      test::onnx_tensor<int64_t>("as_scores", test::kOnnxInt64, {3}, {1, 1, 5}));
  parts.constants.push_back(test::onnx_tensor<int64_t>("most", test::kOnnxInt64, {1}, {5}));
  parts.constants.push_back(test::random_tensor("boxes", {1, 5, 4}, 0, 1));
  parts.outputs = {test::onnx_value("n", test::kOnnxInt64, {-1, 3})};
  const auto refused = quantize(open(parts));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::Unsupported);
  EXPECT_NE(refused.error().message.find("as many rows as NonMaxSuppression selects"),
            std::string::npos)
      << refused.error().message;
  EXPECT_EQ(folder_.entries(), 1u) << "the network alone";
}

TEST_F(QuantizeNetwork, RefusesWhatItCannotDo) {
  const auto refused = [&](const Result<NetworkReport>& report, std::string_view part) {
    ASSERT_FALSE(report);
    EXPECT_NE(report.error().message.find(part), std::string::npos) << report.error().message;
  };
  refused(quantize(open(test::small_network()), {}, {}), "no sample");
  refused(quantize(open(test::small_network(), 6)), "opset 6");
  ASSERT_TRUE(quantize(open(test::small_network())));
  refused(quantize(format::onnx::Onnx::open(folder_ / "int8.onnx").value()), "already");
  test::OnnxParts none;
  none.nodes = {test::onnx_node("Relu", {"x"}, {"y"})};
  none.inputs = {test::onnx_value("x", test::kOnnxFloat, {-1, 3, 10, 10})};
  none.outputs = {test::onnx_value("y", test::kOnnxFloat, {-1, 3, 10, 10})};
  refused(quantize(open(none)), "no Conv, Gemm or MatMul");
  std::atomic<bool> cancelled = true;
  NetworkQuantization options;
  options.cancel = &cancelled;
  refused(quantize(open(test::small_network()), options), "interrupted");
  EXPECT_TRUE(quantize(open(test::small_network(), 11))) << "becomes opset 13";
}

TEST(FoldNorms, BatchNormsBecomeWeights) {
  const std::string bytes = test::onnx_file(test::small_network());
  const auto file = format::onnx::Onnx::parse(test::onnx_bytes(bytes)).value();
  format::onnx::ModelData model = file.model();
  ASSERT_TRUE(prepare_model(model));
  EXPECT_EQ(model.graph.nodes.size(), file.model().graph.nodes.size() - 1);
  EXPECT_EQ(model.graph.nodes[0].outputs[0], "n1");
  EXPECT_EQ(model.graph.nodes[0].inputs.size(), 3u);
}

// A convolution, `move` of its result "c1" to "m", and a convolution that reads that.
Placement placement_around(const test::OnnxMessage& move) {
  test::OnnxParts parts;
  parts.nodes = {test::onnx_node("Conv", {"x", "w1"}, {"c1"}), move,
                 test::onnx_node("Conv", {"m", "w2"}, {"y"})};
  parts.constants = {test::random_tensor("w1", {4, 3, 1, 1}, -1, 1),
                     test::random_tensor("w2", {2, 4, 1, 1}, -1, 1),
                     test::onnx_tensor<float>("scales", test::kOnnxFloat, {4}, {1, 1, 2, 2}),
                     test::onnx_tensor<int64_t>("ids", test::kOnnxInt64, {1}, {0}),
                     test::onnx_tensor<int64_t>("ends", test::kOnnxInt64, {1}, {1})};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {1, 3, 4, 4})};
  parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {1, 2, 8, 8})};
  const std::string bytes = test::onnx_file(parts);
  return place_levels(format::onnx::Onnx::parse(test::onnx_bytes(bytes)).value().model(), {})
      .value();
}

test::OnnxMessage interpolation(std::string_view mode) {
  return test::OnnxMessage().text(1, "mode").text(4, mode).integer(20, 3);
}

TEST(PlaceLevels, MovedElementsKeepTheirScale) {
  using test::onnx_node;
  const test::OnnxMessage moves[] = {
      onnx_node("Resize", {"c1", "", "scales"}, {"m"}),
      onnx_node("Resize", {"c1", "", "scales"}, {"m"}, {interpolation("nearest")}),
      onnx_node("Upsample", {"c1", "scales"}, {"m"}, {interpolation("nearest")}),
      onnx_node("Slice", {"c1", "ids", "ends", "ids"}, {"m"}),
      onnx_node("Gather", {"c1", "ids"}, {"m"})};
  for (const test::OnnxMessage& move : moves) {
    const Placement placement = placement_around(move);
    EXPECT_EQ(placement.values, (std::vector<std::string>{"x", "c1", "m"}));
    EXPECT_EQ(placement.groups.at("m"), placement.groups.at("c1"));
    EXPECT_NE(placement.groups.at("x"), placement.groups.at("c1"));
  }
}

TEST(PlaceLevels, InterpolatedElementsHaveTheirOwn) {
  for (const char* op : {"Resize", "Upsample"}) {
    for (const char* mode : {"linear", "cubic"}) {
      const Placement placement =
          placement_around(test::onnx_node(op, {"c1", "scales"}, {"m"}, {interpolation(mode)}));
      EXPECT_NE(placement.groups.at("m"), placement.groups.at("c1")) << op << " " << mode;
    }
  }
}

TEST(PlaceLevels, ResultsBehindActivationsBecomeLevels) {
  const std::string bytes = test::onnx_file(test::small_network());
  format::onnx::ModelData model =
      format::onnx::Onnx::parse(test::onnx_bytes(bytes)).value().model();
  ASSERT_TRUE(prepare_model(model));
  const Placement placement = place_levels(model, {}).value();
  EXPECT_EQ(placement.values, (std::vector<std::string>{"x", "r1", "c2", "r2", "p", "f"}));
  EXPECT_EQ(placement.groups.at("f"), placement.groups.at("p")) << "moved, not changed";
  EXPECT_NE(placement.groups.at("p"), placement.groups.at("r2"));
}

}  // namespace
}  // namespace verge::fit
