// Loss and gradients of the classifier against PyTorch's: captured, so that they are compared
// everywhere, and asked again by bench/peers/torch_peer where it is.

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/nn/cnn.hpp>
#include <verge/engine/runtime/plan.hpp>

#include "captured_gradients.hpp"
#include "paths.hpp"
#include "temporary_folder.hpp"

namespace verge::build {
namespace {

constexpr int32_t kLabels[] = {3, 0, 4, 1, 2, 2};

nn::CnnConfig small_cnn() {
  return {.channels = 2, .height = 8, .width = 9, .classes = 5, .stages = {{4}, {3, 5}}};
}

std::vector<float> normal(size_t count, double mean, double stddev, uint64_t stream) {
  Rng rng(11, stream);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(mean + stddev * rng.normal());
  return values;
}

struct Network {
  nn::CnnConfig config = small_cnn();
  std::vector<nn::CnnParameter> parameters = nn::cnn_parameters(config);
  std::vector<std::vector<float>> weights;  // of `parameters`
  std::vector<float> images;

  Network() {
    for (const nn::CnnParameter& parameter : parameters) {
      const bool moves = parameter.is_trainable;
      const double stddev = parameter.stddev > 0 ? parameter.stddev : moves ? 0.3 : 0;
      weights.push_back(normal(static_cast<size_t>(parameter.shape.count()), parameter.mean, stddev,
                               weights.size()));
    }
    images = normal(
        std::size(kLabels) * static_cast<size_t>(config.channels * config.height * config.width),
        0.2, 1, 99);
  }
};

struct Gradients {
  double loss = 0;
  std::vector<float> values;  // of the trainable parameters, one after the other
};

// By a Plan, all passes run.
Gradients gradients_of(const Network& network) {
  runtime::WeightStore weights;
  for (size_t i = 0; i < network.parameters.size(); ++i) {
    Tensor tensor(DType::F32, network.parameters[i].shape);
    std::ranges::copy(network.weights[i], tensor.span<float>().begin());
    weights.add(network.parameters[i].name, std::move(tensor));
  }
  nn::CnnTraining training = *nn::build_cnn_training(network.config, std::size(kLabels));
  graph::JointGraph joint =
      *graph::differentiate(training.graph, training.loss, training.trainable);
  std::vector<std::string> names;
  for (size_t i = 0; i < joint.gradients.size(); ++i) {
    graph::Value& gradient = joint.graph.value(joint.gradients[i]);
    gradient.is_output = true;
    gradient.name = "d " + joint.graph.value(training.trainable[i]).name;
    names.push_back(gradient.name);
  }
  graph::Optimized optimized = *graph::optimize(std::move(joint.graph));
  ThreadPool pool(2);
  runtime::StateStore states;
  auto plan = runtime::Plan::compile(std::move(optimized.graph), weights, states, pool);
  if (!plan) {
    ADD_FAILURE() << plan.error().message;
    return {};
  }
  std::ranges::copy(network.images, plan->input("images").as<float>());
  std::ranges::copy(kLabels, plan->input("labels").as<int32_t>());
  plan->run(std::span<const int64_t>{});
  Gradients found{*plan->output("loss").as<float>(), {}};
  for (const std::string& name : names) {
    const auto part = plan->output(name).span<float>();
    found.values.insert(found.values.end(), part.begin(), part.end());
  }
  return found;
}

void write_floats(const std::string& path, std::span<const float> values) {
  std::ofstream(path, std::ios::binary | std::ios::app)
      .write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size_bytes()));
}

Gradients ask_torch(const std::string& peer, const Network& network) {
  const test::TemporaryFolder folder;
  for (size_t i = 0; i < network.parameters.size(); ++i) {
    if (network.parameters[i].is_trainable) write_floats(folder / "w", network.weights[i]);
  }
  write_floats(folder / "x", network.images);
  const std::string command = fmt::format(
      "timeout 60 {} cnn --stages 4:3,5 --channels 2 --height 8 --width 9 --classes 5 --labels {} "
      "--weights {} --images {} --out {} > {}",
      peer, fmt::join(kLabels, ","), folder / "w", folder / "x", folder / "g", folder / "json");
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  std::ifstream json(folder / "json"), file(folder / "g", std::ios::binary);
  Gradients found{nlohmann::json::parse(json)["loss"], {}};
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  found.values.resize(bytes.size() / sizeof(float));
  std::memcpy(found.values.data(), bytes.data(), found.values.size() * sizeof(float));
  return found;
}

// Each parameter by itself, in parts of its largest gradient.
void expect_near(const Network& network, const Gradients& got, std::span<const float> wanted,
                 double bound) {
  ASSERT_EQ(got.values.size(), wanted.size());
  size_t at = 0;
  for (const nn::CnnParameter& parameter : network.parameters) {
    if (!parameter.is_trainable) continue;
    double largest = 0, difference = 0;
    for (const size_t end = at + static_cast<size_t>(parameter.shape.count()); at < end; ++at) {
      largest = std::max(largest, std::abs(double{wanted[at]}));
      difference = std::max(difference, std::abs(double{wanted[at]} - double{got.values[at]}));
    }
    EXPECT_LE(difference, bound * largest) << parameter.name;
  }
}

TEST(TorchCnnGradients, AgreeWithThoseCaptured) {
  const Network network;
  const Gradients found = gradients_of(network);
  EXPECT_NEAR(found.loss, kCapturedLoss, 1e-4 * kCapturedLoss);
  expect_near(network, found, kCapturedGradients, 1e-4);
}

TEST(TorchCnnGradients, AreWhatPyTorchStillSays) {
  const char* folder = std::getenv("VERGE_PEERS");
  const std::string peer =
      (folder != nullptr ? std::string(folder) : test::source_file("build/peers")) + "/torch_peer";
  if (!std::filesystem::exists(peer)) {
    GTEST_SKIP() << "torch_peer is absent: run bench/peers/install, or set VERGE_PEERS";
  }
  const Network network;
  const Gradients torch = ask_torch(peer, network);
  EXPECT_NEAR(torch.loss, kCapturedLoss, 1e-6);
  expect_near(network, torch, kCapturedGradients, 2e-6);
  if (HasFailure()) {
    ADD_FAILURE() << fmt::format("{:.9g}\n{:.7g}", torch.loss, fmt::join(torch.values, ", "));
  }
}

}  // namespace
}  // namespace verge::build
