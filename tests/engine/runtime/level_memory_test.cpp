// Training of MCUNet-5fps at 128 x 128 by levels, as planned: the ladder of Lin et al. 2022, figure
// 1, and its schemes (table 9).

#include <gtest/gtest.h>

#include <verge/engine/graph/memory_types.hpp>
#include <verge/engine/nn/update_scheme.hpp>
#include <verge/engine/runtime/trainer.hpp>

#include "mcunet.hpp"

namespace verge::runtime {
namespace {

constexpr int kOneThread = 1;
constexpr int64_t kKiB = 1024;

struct Setting {
  std::string scheme;
  bool has_levels = true;
  std::vector<std::string> without = {};
};

Program compiled(const support::McuNet& real, const Setting& setting) {
  const auto values = [&](const std::string& name) { return real.values(name); };
  TrainingGraph training{real.graph, real.loss, {}};
  if (setting.has_levels) {
    auto net = nn::to_levels(real.graph, real.loss, "images", values, real.ranges()).value();
    training.graph = std::move(net.graph);
    training.loss = net.result;
    training.scales = std::move(net.scales);
  }
  const auto scheme = nn::preset_scheme(setting.scheme, training.graph).value();
  auto part = nn::apply_scheme(std::move(training.graph), scheme, values).value();
  training.graph = std::move(part.graph);
  training.trainable = std::move(part.trainable);
  training.slices = std::move(part.slices);
  TrainerOptions options;
  options.optimizer.kind = graph::OptimizerKind::Sgd;
  options.disabled_passes = setting.without;
  auto program = compile_step(std::move(training), options, kOneThread);
  EXPECT_TRUE(program) << program.error().message;
  return std::move(program->pass);
}

TEST(LevelMemory, SchemesOfThePaperFitTheirArena) {
  const support::McuNet real = support::mcunet(1, 128);
  for (const char* scheme : {"mcunet-49KB", "mcunet-99KB", "mcunet-148KB"}) {
    const Program program = compiled(real, {scheme});
    EXPECT_LE(program.memory.arena_bytes, 141 * kKiB) << scheme;
    EXPECT_LE(program.memory.arena_bytes,
              1.05 * static_cast<double>(program.memory.lower_bound_bytes))
        << scheme;
  }
}

TEST(LevelMemory, EachRungOfTheLadderTakesLess) {
  const support::McuNet real = support::mcunet(1, 128);
  const std::vector<std::string> in_order = {"reorder", "hoist_updates"};
  const Setting ladder[] = {{"full", false, in_order},
                            {"full", true, in_order},
                            {"mcunet-99KB", true, in_order},
                            {"mcunet-99KB", true}};
  int64_t last = INT64_MAX;
  for (const Setting& setting : ladder) {
    const int64_t bytes = compiled(real, setting).memory.arena_bytes;
    EXPECT_LT(bytes, last) << setting.scheme << setting.has_levels;
    last = bytes;
  }
}

// Nothing below the earliest updated layer has a backward, and what is f32 are gradients alone.
TEST(LevelMemory, HoldsLevelsNotReals) {
  const Program program = compiled(support::mcunet(1, 128), {"mcunet-49KB"});
  const graph::Graph& graph = program.graph;
  for (const graph::Node& node : graph.nodes) {
    for (const graph::ValueId id : node.outputs) {
      if (id == graph::kNone || node.phase != graph::Phase::Forward) continue;
      const graph::Value& value = graph.value(id);
      const bool is_head = value.type.dims.size() < 3;
      EXPECT_TRUE(is_head || value.type.dtype == DType::I8) << node.op->name << " " << node.source;
    }
    if (node.phase == graph::Phase::Forward || !node.source.starts_with("conv.")) continue;
    EXPECT_GE(std::stoi(node.source.substr(5)), 22) << node.op->name;
  }
  EXPECT_LT(graph::most_bytes_of(graph, program.memory, DType::F32), 110 * kKiB);
}

}  // namespace
}  // namespace verge::runtime
