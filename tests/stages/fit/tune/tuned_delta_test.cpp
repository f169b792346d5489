#include <algorithm>
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <tiny_models.hpp>

#include <verge/engine/model/model_delta.hpp>
#include <verge/engine/model/tensor_file.hpp>
#include <verge/stages/fit/tune/calibrate.hpp>
#include <verge/stages/fit/tune/tune.hpp>
#include <verge/stages/fit/tune/tuned_delta.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

using Contents = std::map<std::string, std::string>;

// Of each tensor of a file its bytes.
Contents tensors_of(const std::string& path) {
  const auto file = model::TensorFile::open(path);
  EXPECT_TRUE(file) << file.error().message;
  Contents tensors;
  for (const auto& [name, view] : file->tensors()) {
    tensors[name].assign(view.as<char>(), static_cast<size_t>(view.bytes()));
  }
  return tensors;
}

struct DeltaBench {
  test::TemporaryFolder folder;
  ThreadPool pool{1};
  std::string images = write_toy_images(folder);

  // A run that leaves tuned.EXTENSION and tuned.vdelta.
  TuneResult tune_by(const std::string& path, const std::string& scheme, const BaseShape& shape,
                     const std::string& data, const std::string& output) {
    const auto base = open_base_model(path, shape);
    EXPECT_TRUE(base) << base.error().message;
    const auto plan = compile_chosen(*base, scheme, {.shape = shape}, 1);
    EXPECT_TRUE(plan) << plan.error().message;
    EXPECT_TRUE(write_training_plan(folder / "p.vplan", *plan));
    TuneOptions options;
    options.plan = folder / "p.vplan";
    options.data.paths = {data};
    options.steps = 12;
    options.learning_rate = 0.02;
    options.output = output;
    options.delta = folder / "tuned.vdelta";
    const auto result = tune(options, pool, SystemClock());
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : TuneResult{};
  }
  runtime::DeltaFile delta() const {
    auto file = runtime::open_delta(folder / "tuned.vdelta");
    EXPECT_TRUE(file) << file.error().message;
    return std::move(*file);
  }
  Contents applied(const std::string& base) const {
    const auto made = model::apply_delta_to_file(base, folder / "tuned.vdelta", folder / "applied");
    EXPECT_TRUE(made) << made.error().message;
    return tensors_of(folder / "applied");
  }
  std::string add_scheme() const {
    return folder.add("scheme.json", R"({"layers": {"stage.1.1.conv.weight": {"ratio": 0.25}}})");
  }
};

const runtime::TensorDelta& change_of(const runtime::Delta& delta, const std::string& name) {
  const auto at = std::ranges::find(delta.changes, name, &runtime::TensorDelta::name);
  EXPECT_NE(at, delta.changes.end()) << name;
  return *at;
}

TEST(TunedDelta, TheChannelsOfASchemeAreAllItHolds) {
  DeltaBench bench;
  const std::string base = write_toy_network(bench.folder);
  const std::string output = bench.folder / "tuned.safetensors";
  const TuneResult result =
      bench.tune_by(base, bench.add_scheme(), {.batch = 8}, bench.images, output);
  const runtime::DeltaFile file = bench.delta();
  const auto& change = change_of(file.delta, "stage.1.1.conv.weight");
  EXPECT_EQ(change.shape, (Shape{16, 16, 3, 3}));
  EXPECT_EQ(change.slices.axis, 1);
  EXPECT_EQ(change.values.size(), 4u * 16 * 9 * sizeof(float));  // 4 of 16 input channels
  EXPECT_LT(result.delta.bytes, result.delta.model_bytes / 3);
  EXPECT_LT(result.delta.file_bytes, std::filesystem::file_size(base) / 2);
  EXPECT_EQ(bench.applied(base), tensors_of(output));
}

TEST(TunedDelta, OfANetworkOfLevelsAsWell) {
  DeltaBench bench;
  const auto real = open_base_model(write_toy_network(bench.folder), {.batch = 1});
  ASSERT_TRUE(real);
  const std::string base = bench.folder / "levels.safetensors";
  ASSERT_TRUE(
      write_calibrated(*real, {.paths = {bench.images}}, {.pictures = 64}, base, bench.pool));
  const auto levels = open_base_model(base, {.batch = 8});
  ASSERT_TRUE(levels) << levels.error().message;
  PlanOptions options{.shape = {.batch = 8}};
  options.optimizer.kind = graph::OptimizerKind::Sgd;
  const auto plan = compile_chosen(*levels, bench.add_scheme(), options, 1);
  ASSERT_TRUE(plan) << plan.error().message;
  const auto data = open_task_data(*levels, {.batch = 8}, {.paths = {bench.images}});
  ASSERT_TRUE(data);
  const auto run =
      TuningRun::create(*levels, *plan, **data, {.peak = 0.1, .steps = 30}, false, 1, bench.pool);
  ASSERT_TRUE(run) << run.error().message;
  const auto target = TunedDelta::open(*levels, **run);
  ASSERT_TRUE(target) << target.error().message;
  for (int i = 0; i < 30; ++i) {
    (*run)->fill(i);
    (*run)->trainer().step();
  }
  ASSERT_TRUE(target->write(bench.folder / "tuned.vdelta", *levels, **run, bench.pool));
  const auto file = bench.delta();
  const auto& change = change_of(file.delta, "stage.1.1.conv.weight");
  EXPECT_EQ(change.dtype, DType::I8);
  EXPECT_EQ(change.values.size(), 4u * 16 * 9);
  const Tensor stored = (*run)->stored("stage.1.1.conv.weight");
  EXPECT_EQ(bench.applied(base)["stage.1.1.conv.weight"],
            std::string(stored.view().as<char>(), static_cast<size_t>(stored.view().bytes())));
}

// Of a file of blocks: what was not updated keeps its bytes, what was is in the file's own type.
TEST(TunedDelta, OfALanguageModelInTheTypesOfItsFile) {
  DeltaBench bench;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "the cat sat on the mat and sang\n";
  const std::string data = bench.folder.add("t.txt", text);
  for (const DType dtype : {DType::F32, DType::Q8_0}) {
    const std::string base = test::write_model(bench.folder, test::tiny_spec("tiny-llama"), dtype);
    const std::string output = bench.folder / "tuned.gguf";
    const TuneResult result =
        bench.tune_by(base, "last:1", {.batch = 2, .tokens = 16}, data, output);
    EXPECT_EQ(bench.applied(base), tensors_of(output)) << name(dtype);
    const auto file = bench.delta();
    EXPECT_LT(result.delta.changed, result.delta.tensors);
    EXPECT_EQ(change_of(file.delta, "blk.1.ffn_down.weight").dtype, dtype);
  }
}

std::vector<float> random_values(size_t count) {
  Rng rng(count);
  std::vector<float> values(count);
  for (float& value : values) value = 0.3f * rng.normal();
  return values;
}

// The file answers as the run did at its end.
void expect_answers(const DeltaBench& bench, const std::string& path, const TuneResult& result,
                    double tolerance) {
  const auto base = open_base_model(path, {.batch = 8});
  ASSERT_TRUE(base) << base.error().message;
  const auto plan = compile_chosen(*base, "full", {.shape = {.batch = 8}}, 1);
  ASSERT_TRUE(plan);
  const auto data = open_task_data(*base, {.batch = 8}, {.paths = {bench.images}});
  ASSERT_TRUE(data);
  ThreadPool pool(1);
  const auto run =
      TuningRun::create(*base, *plan, **data, {.peak = 0.1, .steps = 1}, false, 1, pool);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_NEAR((*run)->held_out()->loss, result.after.loss, tolerance);
  EXPECT_GT(std::abs(result.after.loss - result.before.loss), 1e-3);
}

// A matrix that lies in the file as [in, out].
TEST(TunedDelta, OfAnOnnxNetworkInTheTensorsOfItsFile) {
  DeltaBench bench;
  test::OnnxParts parts;
  parts.nodes = {test::onnx_node("Conv", {"x", "c"}, {"y"}), test::onnx_node("Relu", {"y"}, {"r"}),
                 test::onnx_node("Flatten", {"r"}, {"f"}),
                 test::onnx_node("Gemm", {"f", "w", "b"}, {"z"})};
  parts.constants = {
      test::onnx_tensor<float>("c", test::kOnnxFloat, {6, 1, 3, 3}, random_values(54)),
      test::onnx_tensor<float>("w", test::kOnnxFloat, {216, 4}, random_values(864)),
      test::onnx_tensor<float>("b", test::kOnnxFloat, {4}, random_values(4))};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {-1, 1, 8, 8})};
  parts.outputs = {test::onnx_value("z", test::kOnnxFloat, {-1, 4})};
  const std::string path = bench.folder.add("net.onnx", test::onnx_file(parts));
  const TuneResult result = bench.tune_by(path, "full", {.batch = 8}, bench.images, "");
  EXPECT_EQ(result.delta.changed, 3u);
  const std::string tuned = bench.folder / "tuned.onnx";
  ASSERT_TRUE(model::apply_delta_to_file(path, bench.folder / "tuned.vdelta", tuned));
  expect_answers(bench, tuned, result, 1e-5);
}

// A matrix [64, 4] that lies in the file in another shape; a bias beside it in bf16.
test::OnnxParts reshaped(const std::vector<int64_t>& stored) {
  constexpr int kBfloat16 = 16;
  test::OnnxParts parts;
  parts.nodes = {
      test::onnx_node("Flatten", {"x"}, {"f"}), test::onnx_node("Reshape", {"w", "s"}, {"m"}),
      test::onnx_node("MatMul", {"f", "m"}, {"p"}), test::onnx_node("Add", {"p", "b"}, {"z"})};
  parts.constants = {
      test::onnx_tensor<float>("w", test::kOnnxFloat, stored, random_values(256)),
      test::onnx_tensor<int64_t>("s", test::kOnnxInt64, {2}, {64, 4}),
      test::onnx_tensor<uint16_t>("b", kBfloat16, {4}, {0x3f80, 0x3e80, 0xbf00, 0x3dcc})};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {-1, 1, 8, 8})};
  parts.outputs = {test::onnx_value("z", test::kOnnxFloat, {-1, 4})};
  return parts;
}

TEST(TunedDelta, OfMatricesThatTheFileHasInAnotherShape) {
  for (const auto& stored : std::vector<std::vector<int64_t>>{{2, 32, 4}, {256}, {4, 64}}) {
    SCOPED_TRACE(fmt::format("of rank {}", stored.size()));
    DeltaBench bench;
    const std::string path = bench.folder.add("net.onnx", test::onnx_file(reshaped(stored)));
    const std::string output = bench.folder / "tuned.onnx";
    const TuneResult result = bench.tune_by(path, "full", {.batch = 8}, bench.images, output);
    EXPECT_EQ(result.delta.changed, 2u);
    EXPECT_EQ(bench.applied(path), tensors_of(output));
    expect_answers(bench, output, result, 1e-2);  // of a bias rounded to bf16
  }
}

TEST(TunedDelta, RefusesBeforeItTrainsWhatNoTensorOfTheFileHolds) {
  DeltaBench bench;
  test::OnnxParts parts;
  parts.nodes = {test::onnx_node("Flatten", {"x"}, {"f"}),
                 test::onnx_node("Add", {"w", "w"}, {"twice"}),
                 test::onnx_node("Gemm", {"f", "twice"}, {"z"})};
  parts.constants = {test::onnx_tensor<float>("w", test::kOnnxFloat, {64, 4}, random_values(256))};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {-1, 1, 8, 8})};
  parts.outputs = {test::onnx_value("z", test::kOnnxFloat, {-1, 4})};
  const std::string path = bench.folder.add("net.onnx", test::onnx_file(parts));
  const auto base = open_base_model(path, {.batch = 8});
  ASSERT_TRUE(base) << base.error().message;
  const auto plan = compile_chosen(*base, "full", {.shape = {.batch = 8}}, 1);
  ASSERT_TRUE(plan);
  ASSERT_TRUE(write_training_plan(bench.folder / "p.vplan", *plan));
  TuneOptions options;
  options.plan = bench.folder / "p.vplan";
  options.data.paths = {bench.images};
  options.delta = bench.folder / "d";
  bool has_begun = false;
  const auto refused =
      tune(options, bench.pool, SystemClock(), [&](const TuneProgress&) { has_begun = true; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::Unsupported);
  EXPECT_NE(refused.error().message.find("computed from the file's tensors"), std::string::npos);
  EXPECT_FALSE(has_begun);
}

// A plan of another network says so, before anything looks for its weights.
TEST(TunedDelta, OfAPlanOfAnotherNetworkIsAConflict) {
  DeltaBench bench;
  const std::string path = bench.folder.add("net.onnx", test::onnx_file(reshaped({64, 4})));
  const auto base = open_base_model(path, {.batch = 8});
  ASSERT_TRUE(base) << base.error().message;
  auto plan = compile_chosen(*base, "lora:2", {.shape = {.batch = 8}}, 1);
  ASSERT_TRUE(plan) << plan.error().message;
  TuneOptions options;
  options.plan = bench.folder / "p.vplan";
  options.data.paths = {bench.images};
  options.output = bench.folder / "tuned.onnx";
  options.delta = bench.folder / "d";
  const auto expect_conflict = [&] {
    const auto refused = tune(options, bench.pool, SystemClock());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Conflict) << refused.error().message;
    EXPECT_NE(refused.error().message.find("compile it anew"), std::string::npos);
  };
  plan->settings.low_rank = {"nothing"};
  ASSERT_TRUE(write_training_plan(options.plan, *plan));
  expect_conflict();
  plan->settings.low_rank = {};
  plan->settings.hash = "0000000000000000";
  ASSERT_TRUE(write_training_plan(options.plan, *plan));
  expect_conflict();
}

}  // namespace
}  // namespace verge::fit
