// A classifier becomes one of levels, is trained in 8 bits and measured in 8 bits.

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>

#include <verge/engine/model/level_file.hpp>
#include <verge/stages/fit/tune/calibrate.hpp>
#include <verge/stages/fit/tune/tune.hpp>

#include "graph_runner.hpp"
#include "mcunet.hpp"
#include "toy_network.hpp"

namespace verge::fit {
namespace {

struct Workshop {
  test::TemporaryFolder folder;
  ThreadPool pool{2};
  std::string images = write_toy_images(folder);
  std::string real = write_toy_network(folder);
  std::string levels = folder / "toy.int8.safetensors";

  Workshop() {
    const auto base = open_base_model(real, {.batch = 1});
    const Status status =
        write_calibrated(*base, {.paths = {images}}, {.pictures = 64}, levels, pool);
    EXPECT_TRUE(status) << status.error().message;
  }

  BaseModel base(int64_t batch = 8) const {
    auto base = open_base_model(levels, {.batch = batch});
    EXPECT_TRUE(base) << base.error().message;
    return std::move(*base);
  }

  Result<TuneResult> tuned(const std::string& scheme, graph::OptimizerSpec optimizer, double rate,
                           const std::string& output) {
    const auto plan = compile_chosen(base(), scheme,
                                     {.shape = {.batch = 8}, .optimizer = optimizer}, pool.size());
    EXPECT_TRUE(plan) << plan.error().message;
    EXPECT_TRUE(write_training_plan(folder / "p.vplan", *plan));
    TuneOptions options;
    options.plan = folder / "p.vplan";
    options.data.paths = {images};
    options.output = output;
    options.epochs = 4;
    options.learning_rate = rate;
    return tune(options, pool, SystemClock());
  }
};

constexpr graph::OptimizerSpec kSgd = {.kind = graph::OptimizerKind::Sgd};

// Eight pictures as the toy images are, of 4 x 4 squares with a bright half, as levels.
std::vector<double> pictures_of_levels() {
  std::vector<double> levels;
  Rng rng(9);
  for (int picture = 0; picture < 8; ++picture) {
    double squares[4][4];
    for (int i = 0; i < 16; ++i) {
      const bool is_bright = picture % 2 == 0 ? i / 4 < 2 : i % 4 < 2;
      squares[i / 4][i % 4] = (is_bright ? 9 : 0) + static_cast<double>(rng.below(7));
    }
    for (int i = 0; i < 64; ++i) {
      levels.push_back(std::nearbyint(-128 + 17 * squares[i / 16][i % 8 / 2]));
    }
  }
  return levels;
}

std::vector<double> logits_of(const BaseModel& base, const std::vector<double>& images) {
  support::GraphRunner runner(base.graph);
  for (const auto& [name, weight] : base.weights) {
    if (base.graph.find(name) != graph::kNone) runner.set(name, graph::load(weight.view));
  }
  runner.set(base.images, images);
  runner.run();
  return runner.get("logits");
}

TEST(Calibrate, MakesANetworkThatAnswersAlike) {
  const Workshop workshop;
  const BaseModel base = workshop.base();
  EXPECT_EQ(base.kind, BaseKind::Levels);
  EXPECT_EQ(base.graph.value(base.graph.find("images")).type.dtype, DType::I8);
  const auto real = open_base_model(workshop.real, {.batch = 8});
  EXPECT_EQ(base.values("head.weight"), real->values("head.weight"));
  const std::vector<double> levels = pictures_of_levels();
  std::vector<double> values = levels;
  for (double& value : values) value = (value - base.input.zero) * double{base.input.scale};
  const std::vector<double> found = logits_of(base, levels), wanted = logits_of(*real, values);
  ASSERT_EQ(found.size(), wanted.size());
  double error = 0, size = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    error += (found[i] - wanted[i]) * (found[i] - wanted[i]);
    size += wanted[i] * wanted[i];
  }
  EXPECT_GT(size, 0);
  EXPECT_LT(std::sqrt(error / size), 0.1);
}

// Dark pictures of 8 x 8, one of them with a bright point: less than 1 in 10^4 of all.
std::string write_dark_images(const test::TemporaryFolder& folder) {
  std::string text;
  Rng rng(6);
  for (int i = 0; i < 4000; ++i) {
    for (int p = 0; p < 64; ++p) {
      const bool is_bright = p == 5 && i == 700;
      text += fmt::format("{},", is_bright ? 15 : rng.below(3));
    }
    text += fmt::format("{}\n", i % 4);
  }
  folder.add("dark.csv", text);
  return folder / "dark.csv";
}

// The percentile passes over the bright point, the extremes do not.
TEST(Calibrate, MethodsChooseRanges) {
  Workshop workshop;
  const auto base = open_base_model(workshop.real, {.batch = 1});
  const std::string images = write_dark_images(workshop.folder);
  const auto scale_by = [&](CalibrationMethod method) {
    const Status status =
        write_calibrated(*base, {.paths = {images}}, {.method = method, .pictures = 4000},
                         workshop.levels, workshop.pool);
    EXPECT_TRUE(status) << status.error().message;
    return workshop.base().input.scale;
  };
  const float seen = scale_by(CalibrationMethod::MinMax);
  const float chosen = scale_by(CalibrationMethod::Percentile);
  EXPECT_LT(chosen, seen / 2);
  EXPECT_GT(chosen, seen / 10);
}

// An activation beyond all floats has no range; its weights have.
TEST(Calibrate, ActivationsThatAreNoNumbersAreNamed) {
  Workshop workshop;
  auto base = open_base_model(workshop.real, {.batch = 1});
  ASSERT_TRUE(base) << base.error().message;
  auto& weight = base->weights.at("stage.0.0.conv.weight");
  const auto huge = std::make_shared<Tensor>(DType::F32, weight.view.shape);
  std::ranges::fill(huge->span<float>(), 3e38f);
  weight = {huge->view(), huge};
  const Status refused = write_calibrated(*base, {.paths = {workshop.images}}, {.pictures = 8},
                                          workshop.folder / "huge.safetensors", workshop.pool);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::InvalidArgument);
  EXPECT_NE(refused.error().message.find("infinite"), std::string::npos) << refused.error().message;
}

TEST(Calibrate, RefusesWhatHasNoLevels) {
  const Workshop workshop;
  ThreadPool pool(1);
  const auto refused = write_calibrated(workshop.base(1), {.paths = {workshop.images}},
                                        {.pictures = 8}, workshop.folder / "again", pool);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("levels already"), std::string::npos);
}

TEST(Calibrate, TheNetworkOfLevelsLearnsAndStaysOne) {
  Workshop workshop;
  const std::string output = workshop.folder / "tuned.safetensors";
  const auto result = workshop.tuned("full", kSgd, 0.05, output);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GT(result->after.accuracy, result->before.accuracy + 0.2);
  EXPECT_GT(result->after.accuracy, 0.9);
  const auto tuned = open_base_model(output, {.batch = 8});
  ASSERT_TRUE(tuned) << tuned.error().message;
  EXPECT_EQ(tuned->kind, BaseKind::Levels);
  EXPECT_NE(tuned->values("stage.0.0.conv.weight"),
            workshop.base().values("stage.0.0.conv.weight"));
  for (const auto& [name, weight] : tuned->weights) {
    if (!name.ends_with("conv.weight")) continue;
    EXPECT_EQ(weight.view.dtype, DType::I8) << name;
  }
}

// At the rate that suits reals, plain descent by levels leaves convolutions nearly as they are.
TEST(Calibrate, WithoutScalingLevelsHardlyMove) {
  Workshop workshop;
  graph::OptimizerSpec unscaled = kSgd;
  unscaled.level_scaling = false;
  const auto moved = [&](const graph::OptimizerSpec& spec) {
    const std::string output = workshop.folder / "tuned.safetensors";
    EXPECT_TRUE(workshop.tuned("full", spec, 0.05, output));
    const auto now = open_base_model(output, {.batch = 8})->values("stage.1.1.conv.weight");
    const auto before = workshop.base().values("stage.1.1.conv.weight");
    double sum = 0;
    for (size_t i = 0; i < now.size(); ++i) sum += std::abs(double{now[i]} - before[i]);
    return sum;
  };
  EXPECT_GT(moved(kSgd), 5 * moved(unscaled));
}

// A scheme of channels: no more than they are copied, and they come back into their weight.
TEST(Calibrate, ChannelsLearnInTensorsOfTheirOwn) {
  Workshop workshop;
  const std::string scheme = workshop.folder / "scheme.json";
  workshop.folder.add("scheme.json", R"({"layers": {"stage.1.1.conv.weight": {"ratio": 0.25}}})");
  const auto plan = compile_chosen(workshop.base(), scheme, {.optimizer = kSgd}, 1);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->memory.parameter_bytes, 16 * 4 * 9 + 4 * 16 + 4 * (16 * 4 + 4));
  const std::string output = workshop.folder / "tuned.safetensors";
  const auto result = workshop.tuned(scheme, kSgd, 0.1, output);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GT(result->after.accuracy, result->before.accuracy);
  const auto tuned = open_base_model(output, {.batch = 8});
  ASSERT_TRUE(tuned) << tuned.error().message;
  const auto before = workshop.base().values("stage.1.1.conv.weight");
  const auto after = tuned->values("stage.1.1.conv.weight");
  std::vector<bool> changed(16);
  for (size_t i = 0; i < after.size(); ++i) {
    if (after[i] != before[i]) changed[i / 9 % 16] = true;
  }
  EXPECT_EQ(std::ranges::count(changed, true), 4);
}

TEST(Calibrate, RemaindersAreStatesOfTheUpdatedWeights) {
  const Workshop workshop;
  graph::OptimizerSpec spec = kSgd;
  const auto plain = compile_chosen(workshop.base(), "last:1", {.optimizer = kSgd}, 1);
  spec.remainders = true;
  const auto kept = compile_chosen(workshop.base(), "last:1", {.optimizer = spec}, 1);
  ASSERT_TRUE(plain);
  ASSERT_TRUE(kept);
  EXPECT_EQ(plain->memory.state_bytes, 0);
  EXPECT_EQ(kept->memory.state_bytes, 16 * 16 * 9);
  // The weight i8, its bias i32, the head f32.
  EXPECT_EQ(plain->memory.parameter_bytes, 16 * 16 * 9 + 4 * 16 + 4 * (16 * 4 + 4));
}

// MCUNet-5fps at 128 x 128 with the scheme of 99 KB of Lin et al. 2022: all that a step takes
// beside the network's file, pictures included.
TEST(Calibrate, McuNetTrainsBelow256KiB) {
  const test::TemporaryFolder folder;
  const support::McuNet real = support::mcunet(1, 128);
  auto net = nn::to_levels(
      real.graph, real.graph.find("logits"), "images",
      [&](const std::string& name) { return real.values(name); }, real.ranges());
  ASSERT_TRUE(net) << net.error().message;
  model::LevelFile file{.graph = std::move(net->graph),
                        .images = "images",
                        .input = net->input,
                        .scales = std::move(net->scales),
                        .network = {},
                        .weights = {}};
  file.network.config = {.channels = 3, .height = 128, .width = 128, .classes = 10};
  for (const auto& [name, tensor] : net->weights) file.weights[name] = {tensor.view(), nullptr};
  const std::string path = folder / "mcunet.int8.safetensors";
  ASSERT_TRUE(model::write_level_file(path, file, {}));
  const auto base = open_base_model(path, {.batch = 1});
  ASSERT_TRUE(base) << base.error().message;
  constexpr int64_t kKiB = 1024;
  const auto plan =
      compile_chosen(*base, "mcunet-99KB", {.optimizer = kSgd, .memory_bytes = 256 * kKiB}, 1);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_LE(plan->memory.total(), 256 * kKiB);
  EXPECT_LE(plan->memory.arena_bytes, 141 * kKiB);
  EXPECT_LE(plan->memory.most_f32_bytes, 110 * kKiB);
  EXPECT_GT(plan->settings.parameters, 50000);
}

}  // namespace
}  // namespace verge::fit
