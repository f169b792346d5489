#include <gtest/gtest.h>

#include <verge/engine/format/onnx/reader.hpp>
#include <verge/engine/onnx/import.hpp>
#include <verge/stages/build/train_image/export_image.hpp>

#include "graph_runner.hpp"
#include "toy_images.hpp"

namespace verge::build {
namespace {

// The exported network sees pixels as they are, and answers as the judge does.
TEST(ExportImage, AnswersAsTheNetworkThatWasTrained) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  TrainImageOptions options = toy_options();
  options.epochs = 2;
  options.output = folder / "net.safetensors";
  const model::ImageData data = toy_images();
  ASSERT_TRUE(train_image(data, options, pool, SystemClock{}));
  const Status status = export_image(options.output, folder / "net.onnx");
  ASSERT_TRUE(status) << status.error().message;

  const auto file = format::onnx::Onnx::open(folder / "net.onnx");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->model().graph.inputs.at(0).dims.at(0).symbol, "batch");
  EXPECT_TRUE(std::ranges::any_of(file->model().metadata, [](const auto& entry) {
    return entry.first == "verge.architecture" && entry.second == "cnn";
  }));
  const int64_t count = 8;
  const auto network = onnx::import_onnx(
      *file, std::vector<onnx::InputBinding>{{"pixels", Shape{count, 1, 8, 8}, std::nullopt}});
  ASSERT_TRUE(network) << network.error().message;
  support::GraphRunner runner(network->graph);
  for (const auto& weight : network->weights) runner.set(weight.name, graph::load(weight.view));
  const auto pixels = std::span(data.test.pixels).first(static_cast<size_t>(count * 64));
  runner.set("pixels", {pixels.begin(), pixels.end()});
  runner.run();
  const std::vector<double> logits = runner.get("logits");

  model::ImageSet few = data.test;
  few.labels.resize(static_cast<size_t>(count));
  const auto safetensors = format::Safetensors::open(options.output).value();
  runtime::WeightStore weights;
  runtime::StateStore states;
  for (const auto& tensor : safetensors.tensors()) {
    weights.add(tensor.name, tensor.view().value(), safetensors.file());
  }
  auto judge = ImageJudge::create(model::read_network(safetensors, options.output).value(), weights,
                                  states, pool, true);
  ASSERT_TRUE(judge) << judge.error().message;
  const std::vector<int32_t> answers = judge->judge(few);
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto row = logits.begin() + static_cast<std::ptrdiff_t>(4 * i);
    EXPECT_EQ(std::max_element(row, row + 4) - row, answers[i]) << i;
  }
}

TEST(ExportImage, RefusesOtherFiles) {
  const test::TemporaryFolder folder;
  EXPECT_FALSE(export_image(folder / "none.safetensors", folder / "net.onnx"));
}

}  // namespace
}  // namespace verge::build
