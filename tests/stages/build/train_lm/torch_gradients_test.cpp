// Loss and gradients of a whole model against PyTorch's, by bench/peers/torch_peer.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/engine/graph/autodiff.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/nn/lm_training.hpp>
#include <verge/engine/runtime/plan.hpp>

#include "paths.hpp"
#include "temporary_folder.hpp"

namespace verge::build {
namespace {

constexpr int32_t kTokens[] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2};

std::string torch_peer() {
  const char* folder = std::getenv("VERGE_PEERS");
  return std::string(folder != nullptr ? folder : test::source_file("build/peers")) + "/torch_peer";
}

nn::DecoderConfig shape() {
  nn::DecoderConfig config;
  config.architecture = "llama";
  config.d_model = 32;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = config.rope.dims = 8;
  config.ffn_dim = 48;
  config.vocab = 20;
  config.attention_scale = 1 / std::sqrt(8.0);
  return config;
}

std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

struct Peer {
  nlohmann::json layout;
  std::vector<float> weights, gradients;

  std::span<const float> part(const std::vector<float>& values, const std::string& name) const {
    for (const auto& entry : layout["parameters"]) {
      if (entry["name"] != name) continue;
      size_t count = 1;
      for (const size_t extent : entry["shape"]) count *= extent;
      return std::span(values).subspan(entry["offset"].get<size_t>() / sizeof(float), count);
    }
    ADD_FAILURE() << "the peer has no " << name;
    return {};
  }
};

Peer ask_peer(const test::TemporaryFolder& folder) {
  const std::string command = fmt::format(
      "{} gradients custom --d-model 32 --layers 2 --heads 4 --kv-heads 2 --ffn 48 --vocab 20 "
      "--seed 3 --tokens {} --out {} > {}",
      torch_peer(), fmt::join(kTokens, ","), folder / "g", folder / "json");
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  std::ifstream json(folder / "json");
  return {nlohmann::json::parse(json), read_floats(folder / "g.weights"),
          read_floats(folder / "g")};
}

runtime::Plan gradient_plan(runtime::WeightStore& weights, runtime::StateStore& states,
                            ThreadPool& pool, const nn::DecoderConfig& config) {
  const int64_t tokens = std::size(kTokens) - 1;
  nn::LmTraining training = *nn::build_lm_training(config, {.batch = 1, .tokens = tokens});
  graph::JointGraph joint =
      *graph::differentiate(training.graph, training.loss, training.trainable);
  for (size_t i = 0; i < joint.gradients.size(); ++i) {
    graph::Value& gradient = joint.graph.value(joint.gradients[i]);
    gradient.is_output = true;
    gradient.name = "d " + joint.graph.value(training.trainable[i]).name;
  }
  graph::Optimized optimized = *graph::optimize(std::move(joint.graph));
  auto plan = runtime::Plan::compile(std::move(optimized.graph), weights, states, pool);
  EXPECT_TRUE(plan) << plan.error().message;
  return std::move(*plan);
}

TEST(TorchGradients, AgreeForAWholeModel) {
  if (!std::filesystem::exists(torch_peer())) {
    GTEST_SKIP() << "torch_peer is absent: run bench/peers/install, or set VERGE_PEERS";
  }
  const test::TemporaryFolder folder;
  const Peer peer = ask_peer(folder);
  const nn::DecoderConfig config = shape();
  runtime::WeightStore weights;
  for (const nn::LmParameter& parameter : nn::lm_parameters(config)) {
    Tensor tensor(DType::F32, parameter.shape);
    std::ranges::copy(peer.part(peer.weights, parameter.name), tensor.span<float>().begin());
    weights.add(parameter.name, std::move(tensor));
  }
  ThreadPool pool(2);
  runtime::StateStore states;
  runtime::Plan plan = gradient_plan(weights, states, pool, config);
  EXPECT_TRUE(plan.reference_nodes().empty());
  const int64_t count = std::size(kTokens) - 1;
  std::copy_n(kTokens, count, plan.input("tokens").as<int32_t>());
  std::copy_n(kTokens + 1, count, plan.input("targets").as<int32_t>());
  for (int32_t t = 0; t < count; ++t) plan.input("positions").as<int32_t>()[t] = t;
  plan.run(std::span<const int64_t>{});
  EXPECT_NEAR(*plan.output("loss").as<float>(), peer.layout["loss"].get<float>(), 1e-5);
  for (const nn::LmParameter& parameter : nn::lm_parameters(config)) {
    const auto expected = peer.part(peer.gradients, parameter.name);
    const auto actual = plan.output("d " + parameter.name).span<float>();
    float largest = 0, difference = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(largest, std::abs(expected[i]));
      difference = std::max(difference, std::abs(expected[i] - actual[i]));
    }
    EXPECT_LE(difference, 1e-4f * largest) << parameter.name;
  }
}

}  // namespace
}  // namespace verge::build
