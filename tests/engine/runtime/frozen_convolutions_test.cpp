// Convolutions in a training step whose weights no update writes: these are copied to their
// kernels' layouts once, when the plan is bound, for the forward pass and for gradients of images.

#include <cmath>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/builder.hpp>
#include <verge/engine/runtime/plan_file.hpp>
#include <verge/engine/runtime/trainer.hpp>

namespace verge::runtime {
namespace {

using List = std::vector<int64_t>;

constexpr int64_t kFrozenImages = 4;

// "b" and "head" are trained; the gradient passes "c", "d" (of stride 2) and "e", which are not.
TrainingGraph partly_frozen() {
  graph::Builder b("cnn");
  const auto conv = [&](graph::ValueId x, const char* name, graph::Dims weight, int64_t stride) {
    const int64_t pad = weight[2].factor / 2;
    const graph::ValueId w = b.param(name, {DType::F32, std::move(weight)});
    return b.op("relu",
                {b.op("conv2d", {x, w},
                      {{"pads", List{pad, pad, pad, pad}}, {"strides", List{stride, stride}}})});
  };
  graph::ValueId x = b.input("x", {DType::F32, {kFrozenImages, 3, 16, 17}});
  x = conv(x, "a", {16, 3, 3, 3}, 1);
  x = conv(x, "b", {16, 16, 3, 3}, 1);
  x = conv(x, "c", {18, 16, 3, 3}, 1);
  x = conv(x, "d", {12, 18, 3, 3}, 2);
  x = conv(x, "e", {12, 12, 1, 1}, 1);
  const graph::ValueId head = b.param("head", {DType::F32, {4, 12}});
  const graph::ValueId logits = b.op("linear", {b.op("global_avg_pool", {x}), head});
  const graph::ValueId loss =
      b.op("softmax_cross_entropy", {logits, b.input("labels", {DType::I32, {kFrozenImages}})});
  b.output(loss, "loss");
  const graph::ValueId trained = b.graph().find("b");
  return {*b.finish(), loss, {trained, head}};
}

Program frozen_step(kernels::Isa isa, int threads) {
  TrainerOptions options;
  options.plan.isa = isa;
  auto program = compile_step(partly_frozen(), options, threads);
  EXPECT_TRUE(program) << program.error().message;
  return std::move(program->pass);
}

Program frozen_unpacked(const Program& step) {
  return *make_program(step.graph, step.isa, step.threads, nullptr, Packing::Least);
}

/// Every convolution and gradient that can run so does.
Program frozen_by(Program step, std::string_view way) {
  for (ProgramStep& each : step.steps) {
    const std::string_view by_rule = each.choice;
    if (!by_rule.empty() && !set_choice(step.graph, way, each)) each.choice = by_rule;
  }
  step.memory = graph::plan_memory(step.graph,
                                   workspace_bytes(step.graph, step.steps, step.threads, step.isa));
  return step;
}

/// A program with weights of its own, which stay where the trainer finds them.
struct FrozenTraining {
  ThreadPool pool;
  std::map<std::string, std::shared_ptr<Tensor>> weights;
  std::unique_ptr<Trainer> trainer;

  explicit FrozenTraining(const Program& step) : pool(step.threads) {
    const auto initial = [&](const std::string& name) -> Result<InitialTensor> {
      const graph::Value& value = step.graph.value(step.graph.find(name));
      auto tensor = std::make_shared<Tensor>(DType::F32, step.graph.bound_shape(value.type));
      Rng rng(static_cast<uint64_t>(name[0]));
      for (float& w : tensor->span<float>()) w = 0.3f * rng.normal();
      weights[name] = tensor;
      return InitialTensor{tensor->view(), tensor};
    };
    TrainerOptions options;
    options.schedule = {.peak = 0.05, .warmup = 0, .steps = 3};
    auto bound = Trainer::bind({step}, initial, options, pool);
    EXPECT_TRUE(bound) << bound.error().message;
    trainer = std::move(*bound);
  }

  /// All that the steps update, and the last loss.
  std::vector<float> after_steps() {
    Rng rng(9);
    for (int step = 0; step < 3; ++step) {
      for (float& pixel : trainer->input("x").span<float>()) pixel = rng.normal();
      for (int32_t& label : trainer->input("labels").span<int32_t>()) {
        label = static_cast<int32_t>(rng.below(4));
      }
      trainer->step();
    }
    std::vector<float> all = {*trainer->output("loss").as<float>()};
    for (const auto& [name, view] : trainer->parameters()) {
      all.insert(all.end(), view.as<float>(), view.as<float>() + view.shape.count());
    }
    return all;
  }
};

TEST(FrozenConvolutions, NoStepTransformsTheirWeights) {
  const Program step = frozen_step(kernels::best_isa(), 2);
  const std::vector<float> wanted = FrozenTraining(step).after_steps();
  const auto spoil = [](FrozenTraining& training) {
    for (const char* frozen : {"a", "c", "d", "e"}) {
      std::ranges::fill(training.weights.at(frozen)->span<float>(),
                        std::numeric_limits<float>::quiet_NaN());
    }
  };
  FrozenTraining training(step), reading(frozen_unpacked(step));
  spoil(training);
  spoil(reading);
  EXPECT_EQ(training.after_steps(), wanted);
  EXPECT_TRUE(std::isnan(reading.after_steps()[0]));
}

TEST(FrozenConvolutions, KeepTheBitsOfWeightsThatAreTransformedInEachStep) {
  for (const kernels::Isa isa : kernels::kAllIsas) {
    if (isa > kernels::best_isa()) continue;
    const Program step = frozen_step(isa, isa == kernels::best_isa() ? 2 : 1);
    EXPECT_EQ(FrozenTraining(step).after_steps(),
              FrozenTraining(frozen_unpacked(step)).after_steps())
        << kernels::name(isa);
    for (const char* way : {"direct", "winograd2", "winograd4"}) {
      EXPECT_EQ(FrozenTraining(frozen_by(step, way)).after_steps(),
                FrozenTraining(frozen_by(frozen_unpacked(step), way)).after_steps())
          << kernels::name(isa) << " " << way;
    }
  }
}

TEST(FrozenConvolutions, LearnTheSameInEachWay) {
  const Program step = frozen_step(kernels::best_isa(), 2);
  const std::vector<float> wanted = FrozenTraining(frozen_by(step, "direct")).after_steps();
  for (const char* way : {"winograd2", "winograd4"}) {
    const std::vector<float> found = FrozenTraining(frozen_by(step, way)).after_steps();
    ASSERT_EQ(found.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      // A step of AdamW may go the other way where a gradient is next to nothing.
      ASSERT_NEAR(found[i], wanted[i], i == 0 ? 1e-3 : 0.11) << way << " " << i;
    }
  }
}

// One copy of each frozen weight for the forward pass, and of those that the gradient passes one
// more.
TEST(FrozenConvolutions, TheirCopiesAreCountedAsTheStoreAllocatesThem) {
  for (const char* way : {"direct", "winograd4"}) {
    const Program step = frozen_by(frozen_step(kernels::best_isa(), 2), way);
    std::map<std::string, int> copies;
    for (const PreparedWeight& prepared : prepared_weights(step)) {
      ++copies[step.graph.value(prepared.weight).name];
    }
    EXPECT_EQ(copies, (std::map<std::string, int>{{"a", 1}, {"c", 2}, {"d", 2}, {"e", 2}}));
    FrozenTraining training(step);
    int64_t owned = 0;
    for (const auto& [name, view] : training.trainer->parameters()) owned += view.bytes();
    EXPECT_EQ(training.trainer->weights().private_bytes() - owned, prepared_weight_bytes(step));
  }
  EXPECT_EQ(prepared_weight_bytes(frozen_unpacked(frozen_step(kernels::best_isa(), 2))), 0);
}

TEST(FrozenConvolutions, APlanFileBringsTheBitsBack) {
  const Program step = frozen_by(frozen_step(kernels::best_isa(), 2), "winograd2");
  PlanFile file{"model", {}};
  file.programs.emplace_back("step", step);
  const auto read = parse_plan(plan_content(file));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(FrozenTraining(*read->find("step")).after_steps(), FrozenTraining(step).after_steps());
}

}  // namespace
}  // namespace verge::runtime
