#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/model/classifier.hpp>

#include "temporary_folder.hpp"

namespace verge::model {
namespace {

// A small classifier of random weights, as a file of f32 and as one of levels.
struct BothForms {
  test::TemporaryFolder folder;
  ImageNetwork network;
  std::string real = folder / "real.safetensors", levels = folder / "levels.safetensors";
  std::map<std::string, std::vector<float>> values;

  BothForms() {
    network.config = {.channels = 1, .height = 8, .width = 6, .classes = 4, .stages = {{8}, {16}}};
    Rng rng(3);
    format::SafetensorsWriter writer;
    describe_network(network, writer);
    for (const nn::CnnParameter& parameter : nn::cnn_parameters(network.config)) {
      auto& numbers = values[parameter.name];
      const bool is_weight = parameter.shape.rank() > 1;
      for (int64_t i = 0; i < parameter.shape.count(); ++i) {
        numbers.push_back(is_weight ? 0.3f * rng.normal()
                                    : 0.5f + static_cast<float>(rng.uniform()));
      }
      EXPECT_TRUE(writer.add(parameter.name, DType::F32, parameter.shape,
                             std::as_bytes(std::span(numbers))));
    }
    EXPECT_TRUE(writer.write(real));
    write_levels();
  }

  void write_levels() {
    const graph::Graph graph = nn::build_cnn(network.config, 1).value();
    nn::ValueRanges ranges;
    for (const std::string& name : nn::ranged_values(graph, "images")) {
      ranges[name] = name == "images" ? nn::ValueRange{0, 1} : nn::ValueRange{0, 6};
    }
    auto made = nn::to_levels(
        graph, graph.find("logits"), "images",
        [&](const std::string& name) { return values.at(name); }, ranges);
    ASSERT_TRUE(made) << made.error().message;
    LevelFile file{};
    file.graph = std::move(made->graph);
    file.input = made->input;
    file.scales = std::move(made->scales);
    file.network = network;
    for (const auto& [name, tensor] : made->weights) file.weights[name] = {tensor.view(), nullptr};
    ASSERT_TRUE(write_level_file(levels, file, {}));
  }
};

struct Answers {
  std::vector<float> logits;
  std::vector<std::string> slow;  // operators without a fast kernel
};

Answers answers_of(const std::string& path, int64_t batch) {
  const auto classifier = Classifier::open(path);
  EXPECT_TRUE(classifier) << classifier.error().message;
  ThreadPool pool(2);
  const auto running = classifier->compile(batch, pool);
  EXPECT_TRUE(running) << running.error().message;
  Rng rng(5);
  for (float& value : running->plan->input("images").span<float>()) {
    value = static_cast<float>(rng.uniform());
  }
  running->plan->run(std::span<const int64_t>{});
  const auto logits = running->plan->output("logits").span<const float>();
  return {{logits.begin(), logits.end()}, running->plan->reference_nodes()};
}

TEST(Classifier, LevelsAnswerAsRealsDo) {
  const BothForms files;
  EXPECT_FALSE(Classifier::open(files.real)->has_levels());
  EXPECT_TRUE(Classifier::open(files.levels)->has_levels());
  for (const int64_t batch : {1, 5}) {
    const Answers wanted = answers_of(files.real, batch), found = answers_of(files.levels, batch);
    EXPECT_EQ(found.slow, std::vector<std::string>());
    ASSERT_EQ(found.logits.size(), static_cast<size_t>(4 * batch));
    double error = 0, size = 0;
    for (size_t i = 0; i < wanted.logits.size(); ++i) {
      error += std::pow(found.logits[i] - wanted.logits[i], 2);
      size += std::pow(wanted.logits[i], 2);
    }
    EXPECT_LT(std::sqrt(error / size), 0.05);
  }
}

TEST(Classifier, OtherFilesAreRefusedByName) {
  const BothForms files;
  const auto missing = Classifier::open(files.folder / "none.safetensors");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("none.safetensors"), std::string::npos);
  format::SafetensorsWriter writer;
  writer.set_metadata("verge.architecture", "llama");
  const std::string path = files.folder / "other.safetensors";
  ASSERT_TRUE(writer.write(path));
  EXPECT_EQ(Classifier::open(path).error().code, Code::Unsupported);
}

}  // namespace
}  // namespace verge::model
