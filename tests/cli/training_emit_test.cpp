// A program of a training step learns as the plan of the same step does, here and emulated.

#include <cmath>
#include <filesystem>

#include <verge/cli/training_emit.hpp>
#include <verge/core/file.hpp>
#include <verge/core/run_program.hpp>
#include <verge/engine/format/npy/npy.hpp>
#include <verge/engine/format/safetensors/reader.hpp>
#include <verge/stages/fit/tune/scheme_choice.hpp>
#include <verge/stages/fit/tune/tuning_run.hpp>

#include "tuning_case.hpp"

namespace verge::cli {
namespace {

constexpr int64_t kSamples = 20, kBatch = 8, kSteps = 5;
constexpr double kRate = 0.02, kTolerance = 1e-4;
// Steps that are linear in the gradient: AdamW makes whole steps of what is nearly zero, where the
// plan's convolutions (Winograd's) and the program's round differently.
const graph::OptimizerSpec kMomentum{
    .kind = graph::OptimizerKind::Sgd, .momentum = 0.9, .weight_decay = 0.01};

bool is_installed(const char* command) {
  const auto found = run_program({"sh", "-c", fmt::format("command -v {}", command)});
  return found && found->status == 0;
}

class TrainingEmit : public TuningCase {
 protected:
  TrainingEmit() : images_(DType::F32, {kSamples, 1, 28, 28}), labels_(DType::I32, {kSamples}) {
    for (int64_t i = 0; i < images_.shape().count(); ++i) {
      images_.span<float>()[static_cast<size_t>(i)] = static_cast<float>(i * 37 % 101) / 101;
    }
    for (int32_t i = 0; i < kSamples; ++i) labels_.span<int32_t>()[static_cast<size_t>(i)] = i % 3;
    EXPECT_TRUE(format::write_npy(folder_ / "images.npy", images_.view()));
    EXPECT_TRUE(format::write_npy(folder_ / "labels.npy", labels_.view()));
  }

  std::vector<std::string> emit(std::vector<std::string> more) const {
    std::vector<std::string> all = {"compile", model_, "--train", "-t",    "1",
                                    "--batch", "8",    "-o",      program_};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  // The losses that the plan of the same step has, and its trainer.
  std::vector<double> losses_of_plan(const std::string& scheme, graph::OptimizerSpec optimizer,
                                     std::unique_ptr<runtime::Trainer>& trainer) {
    const fit::BaseShape shape{.batch = kBatch};
    base_ = fit::open_base_model(model_, shape).value();
    fit::PlanOptions options{.shape = shape, .optimizer = optimizer};
    const auto plan = fit::compile_chosen(base_, scheme, options, pool_.size());
    EXPECT_TRUE(plan) << plan.error().message;
    runtime::TrainerOptions how;
    how.optimizer = optimizer;
    how.schedule = {.peak = kRate, .warmup = kSteps / 10, .steps = kSteps, .final_share = 0.01};
    trainer = runtime::Trainer::bind(
                  plan->programs(),
                  [&](const std::string& name) {
                    return fit::initial_weight(base_, plan->step.graph, name, {});
                  },
                  how, pool_)
                  .value();
    std::vector<double> losses;
    constexpr int64_t kPixels = 28 * 28;
    for (int64_t step = 0; step < kSteps; ++step) {
      for (int64_t i = 0; i < kBatch; ++i) {
        const int64_t at = (step * kBatch + i) % kSamples;
        std::copy_n(images_.view().as<float>() + at * kPixels, kPixels,
                    trainer->input(base_.images).as<float>() + i * kPixels);
        trainer->input("labels").as<int32_t>()[i] = labels_.view().as<int32_t>()[at];
      }
      trainer->step();
      losses.push_back(*trainer->output("loss").as<float>());
    }
    return losses;
  }

  std::string run(std::vector<std::string> start, std::vector<std::string> arguments,
                  int status = 0) const {
    start.push_back(program_);
    start.insert(start.end(), arguments.begin(), arguments.end());
    start.push_back(folder_ / "images.npy");
    start.push_back(folder_ / "labels.npy");
    const auto ran = run_program(start);
    EXPECT_TRUE(ran);
    EXPECT_EQ(ran->status, status) << ran->output;
    return ran->output;
  }

  static void expect_losses(const std::string& output, const std::vector<double>& wanted,
                            size_t first = 0) {
    size_t at = 0;
    for (size_t step = first; step < wanted.size(); ++step) {
      const std::string before = fmt::format("step {} loss ", step + 1);
      at = output.find(before, at);
      ASSERT_NE(at, std::string::npos) << before << " in\n" << output;
      const double loss = std::stod(output.substr(at + before.size()));
      EXPECT_NEAR(loss, wanted[step], kTolerance * std::max(1.0, wanted[step])) << step;
    }
  }

  void expect_weights(runtime::Trainer& trainer) const {
    const auto file = format::Safetensors::open(folder_ / "w.safetensors");
    ASSERT_TRUE(file) << file.error().message;
    size_t compared = 0;
    for (const auto& [name, wanted] : trainer.parameters()) {
      const auto stored = std::ranges::find(file->tensors(), name, &format::StoredTensor::name);
      ASSERT_NE(stored, file->tensors().end()) << name;
      const TensorView found = stored->view().value();
      ASSERT_EQ(found.shape, wanted.shape) << name;
      for (size_t i = 0; i < found.span<float>().size(); ++i, ++compared) {
        ASSERT_NEAR(found.span<float>()[i], wanted.span<float>()[i], 1e-4) << name;
      }
    }
    EXPECT_GT(compared, 0u);
  }

  const std::string program_ = folder_ / "tune";
  const std::string rate_ = fmt::format("{}", kRate), steps_ = fmt::format("{}", kSteps);
  Tensor images_, labels_;
  fit::BaseModel base_;
  ThreadPool pool_{1};
};

TEST_F(TrainingEmit, AProgramLearnsAsThePlanDoes) {
  const test::Ran made = test::run_verge(
      emit({"--emit", "elf", "--scheme", "full", "--optimizer", "sgd", "--momentum", "0.9"}));
  ASSERT_EQ(made.status, 0) << made.err;
  std::unique_ptr<runtime::Trainer> trainer;
  const auto wanted = losses_of_plan("full", kMomentum, trainer);
  EXPECT_LT(wanted.back(), wanted.front());
  expect_losses(run({}, {"-n", steps_, "-l", rate_, "-o", folder_ / "w.safetensors"}), wanted);
  expect_weights(*trainer);
}

TEST_F(TrainingEmit, AnEmulatedArmLearnsTheSame) {
  if (!is_installed("aarch64-linux-gnu-gcc")) GTEST_SKIP() << "no aarch64-linux-gnu-gcc here";
  if (!is_installed("qemu-aarch64-static")) GTEST_SKIP() << "no qemu-aarch64-static here";
  const test::Ran made =
      test::run_verge(emit({"--emit", "elf", "--target", "aarch64", "--scheme", "last:1",
                            "--optimizer", "sgd", "--momentum", "0.9"}));
  ASSERT_EQ(made.status, 0) << made.err;
  std::unique_ptr<runtime::Trainer> trainer;
  const auto wanted = losses_of_plan("last:1", kMomentum, trainer);
  expect_losses(
      run({"qemu-aarch64-static"}, {"-n", steps_, "-l", rate_, "-o", folder_ / "w.safetensors"}),
      wanted);
  expect_weights(*trainer);
}

TEST_F(TrainingEmit, GoesOnFromWhatItWrote) {
  ASSERT_EQ(test::run_verge(emit({"--emit", "elf", "--scheme", "bias"})).status, 0);
  const std::string first = run({}, {"-n", "2", "-o", folder_ / "half"});
  EXPECT_EQ(first.find("step 3"), std::string::npos);
  const std::string second = run({}, {"-n", "4", "-r", folder_ / "half", "-o", folder_ / "rest"});
  EXPECT_EQ(second.find("step 2 "), std::string::npos);
  EXPECT_NE(second.find("step 3 loss"), std::string::npos);
  EXPECT_NE(second.find("step 4 loss"), std::string::npos);
  EXPECT_EQ(run({}, {"-r", folder_ / "images.npy", "-o", folder_ / "w"}, 1),
            folder_ / "images.npy" + ": is not a file of this program's weights\n");
  EXPECT_NE(run({}, {"-n", "1"}, 2).find("usage: "), std::string::npos);
}

TEST_F(TrainingEmit, RefusesNumbersThatAreNone) {
  ASSERT_EQ(test::run_verge(emit({"--emit", "elf", "--scheme", "head"})).status, 0);
  const std::string out = folder_ / "w";
  for (const char* number : {"abc", "3x", ""}) {
    EXPECT_NE(run({}, {"-n", number, "-o", out}, 2).find("usage: "), std::string::npos) << number;
    EXPECT_NE(run({}, {"-l", number, "-o", out}, 2).find("usage: "), std::string::npos) << number;
  }
  run({}, {"-n", "1", "-o", out});
  std::string weights = read_whole_file(out, 1 << 24).value();
  for (const char last : {'\x80', '\x7f'}) {  // a number below 0, and one without end
    weights.back() = last;
    ASSERT_TRUE(write_whole_file(folder_ / "damaged", weights));
    EXPECT_NE(run({}, {"-r", folder_ / "damaged", "-o", out}, 1).find("number of steps is damaged"),
              std::string::npos);
  }
}

TEST_F(TrainingEmit, WritesThroughNoLink) {
  ASSERT_EQ(test::run_verge(emit({"--emit", "elf", "--scheme", "head"})).status, 0);
  const std::string other = folder_.add("other", "mine");
  std::filesystem::create_symlink(other, folder_ / "w.part");
  run({}, {"-n", "1", "-o", folder_ / "w"});
  EXPECT_EQ(read_whole_file(other, 100).value(), "mine");
  EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(folder_ / "w")));
}

TEST_F(TrainingEmit, WritesCThatCompilesStrictly) {
  const auto json = test::run_json({"compile", model_, "--train", "-t", "1", "--batch", "2",
                                    "--emit", "c", "--scheme", "full", "-o", folder_ / "step.c"});
  test::expect_fields(json, {"nodes", "arena_bytes", "weight_bytes", "output", "header"});
  const auto built = run_program({"gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                                  "-c", "-o", folder_ / "step.o", folder_ / "step.c"});
  ASSERT_TRUE(built) << built.error().message;
  EXPECT_EQ(built->status, 0) << built->output;
  const auto named = run_program({"grep", "-c", "int step_step(", folder_ / "step.h"});
  EXPECT_EQ(named->output, "1\n");
}

TEST_F(TrainingEmit, SaysWhatHasNoC) {
  const test::Ran levels =
      test::run_verge(emit({"--emit", "elf", "--int8", "--calibrate", data_, "--scheme", "head"}));
  test::expect_refused(levels, 1, "a step in 8 bits has no C");
  EXPECT_FALSE(std::filesystem::exists(program_ + ".int8.safetensors")) << "nothing was calibrated";
  const std::vector<std::vector<std::string>> of_plans = {{"--report", folder_ / "report.html"},
                                                          {"--profile"}};
  for (const auto& options : of_plans) {
    std::vector<std::string> more = {"--emit", "elf", "--scheme", "head"};
    more.insert(more.end(), options.begin(), options.end());
    test::expect_refused(test::run_verge(emit(more)), 2, options[0] + " is of a plan");
  }
}

}  // namespace
}  // namespace verge::cli
