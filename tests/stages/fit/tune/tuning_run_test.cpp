#include <algorithm>
#include <map>

#include <array_files.hpp>
#include <bert_onnx.hpp>
#include <graph_runner.hpp>
#include <gtest/gtest.h>
#include <onnx_writer.hpp>

#include <verge/engine/graph/reference.hpp>
#include <verge/engine/runtime/reference_nodes.hpp>

#include "toy_training.hpp"

namespace verge::fit {
namespace {

TEST(TuningRun, EverySchemeLearns) {
  Toy toy;
  for (const char* scheme : {"full", "bias", "last:1", "lora:2", "auto"}) {
    const TrainingPlan plan = toy.plan(scheme);
    const auto run = toy.run(plan);
    const double before = run->held_out()->loss;
    Toy::losses(*run, 100);
    EXPECT_LT(run->held_out()->loss, 0.9 * before) << scheme;
  }
}

// Evaluation reads the copies of frozen weights that the step has.
TEST(TuningRun, MeasuringTheLossCopiesNoWeights) {
  Toy toy;
  const TrainingPlan plan = toy.plan("bias");
  EXPECT_GT(runtime::prepared_weight_bytes(plan.evaluate), 0);
  const auto run = toy.run(plan);
  const int64_t bytes = run->trainer().weights().private_bytes();
  ASSERT_TRUE(run->held_out());
  EXPECT_EQ(run->trainer().weights().private_bytes(), bytes);
}

// The channels that a sliced step leaves alone stay as they are, and all it does not name.
TEST(TuningRun, OnlyWhatTheSchemeNamesChanges) {
  Toy toy;
  toy.folder.add("s.json", R"({"layers": {"stage.1.1.conv.weight": {"channels": [3, 9]}}})");
  const TrainingPlan plan = toy.plan(toy.folder / "s.json");
  const auto run = toy.run(plan);
  Toy::losses(*run, 5);
  for (const auto& [name, weight] : toy.base.weights) {
    const std::vector<float> before = toy.base.values(name), after = *run->tuned(name);
    for (size_t i = 0; i < before.size(); ++i) {
      const size_t channel = i / 9 % 16;
      const bool may_change = name.starts_with("head.") || name == "stage.1.1.norm.bias" ||
                              (name == "stage.1.1.conv.weight" && (channel == 3 || channel == 9));
      EXPECT_EQ(before[i] != after[i], may_change && before[i] != after[i]) << name << " " << i;
    }
    if (name == "stage.1.1.conv.weight") {
      EXPECT_NE(before, after);
    }
  }
}

TEST(TuningRun, RecomputedStepsHaveTheSameLossesBitForBit) {
  Toy toy;
  PlanOptions options;
  options.optimizer = {.kind = graph::OptimizerKind::Sgd};
  const TrainingPlan free = toy.plan("full", options);
  options.memory_bytes = free.memory.total() - free.memory.arena_bytes / 50;
  const TrainingPlan tight = toy.plan("full", options);
  ASSERT_GT(tight.recomputed, 0);
  EXPECT_EQ(Toy::losses(*toy.run(free), 10), Toy::losses(*toy.run(tight), 10));
}

TEST(TuningRun, FactorsMergeIntoWhatTheyTrained) {
  FactoredToy toy;
  const std::string name = "blk.0.attn_q.weight";
  const auto run = toy.run();
  ASSERT_TRUE(run) << run.error().message;
  const std::vector<float> before = toy.base.values(name);
  EXPECT_EQ(*(*run)->tuned(name), before);  // B is zero
  Toy::losses(**run, 3);
  const auto a = graph::load(*(*run)->trainer().weights().native(name + ".lora_a"));
  const auto b = graph::load(*(*run)->trainer().weights().native(name + ".lora_b"));
  const std::vector<float> after = *(*run)->tuned(name);
  EXPECT_NE(after, before);
  const size_t in = a.size() / 2;
  for (size_t i = 0; i < after.size(); ++i) {
    const size_t row = i / in, column = i % in;
    const double sum = b[2 * row] * a[column] + b[2 * row + 1] * a[in + column];
    EXPECT_NEAR(after[i], before[i] + 2 * sum, 1e-6) << i;  // alpha 4 of rank 2
  }
}

// By the reference kernels: how often the largest logit is the next token's.
TEST(TuningRun, OfALanguageModelTheAccuracyIsThatOfNextTokens) {
  FactoredToy toy;
  PlanOptions options;
  options.shape = toy.shape;
  toy.plan = *compile_chosen(toy.base, "full", options, toy.pool.size());
  const auto run = toy.run();
  ASSERT_TRUE(run) << run.error().message;
  Toy::losses(**run, 9);
  const auto found = (*run)->held_out();
  ASSERT_TRUE(found && (*run)->has_accuracy());
  support::GraphRunner reference(toy.base.graph);
  for (const auto& [name, weight] : toy.base.weights) {
    const std::vector<float> values = *(*run)->tuned(name);
    reference.set(name, {values.begin(), values.end()});
  }
  const auto input = [&](std::string_view name) -> const TensorView& {
    return reference.tensor(name);
  };
  int64_t right = 0, tokens = 0;
  for (int64_t batch = 0; batch < toy.data->held_out_batches(); ++batch) {
    EXPECT_EQ(toy.data->fill_held_out(batch, input), 2 * 16);
    reference.run();
    const std::vector<double> logits = reference.get(kLogits);
    const std::vector<double> targets = reference.get("targets");
    const size_t classes = logits.size() / targets.size();
    for (size_t i = 0; i < targets.size(); ++i) {
      const auto row = logits.begin() + static_cast<std::ptrdiff_t>(i * classes);
      const auto best = std::max_element(row, row + static_cast<std::ptrdiff_t>(classes)) - row;
      right += best == static_cast<std::ptrdiff_t>(targets[i]);
      ++tokens;
    }
  }
  EXPECT_GT(right, 0);
  EXPECT_LT(right, tokens);
  EXPECT_NEAR(found->accuracy, static_cast<double>(right) / static_cast<double>(tokens),
              1.5 / static_cast<double>(tokens));
}

TEST(TuningRun, ANewHeadIsForClassifiers) {
  FactoredToy toy;
  const auto run = toy.run(true);
  ASSERT_FALSE(run);
  EXPECT_NE(run.error().message.find("--new-head is for classifiers"), std::string::npos);
}

TEST(TuningRun, RefusesAPlanOfAnotherInterface) {
  Toy toy;
  const TrainingPlan good = toy.plan("head");
  const auto refusal = [&](const TrainingPlan& plan) {
    const auto run = TuningRun::create(toy.base, plan, *toy.data, {}, false, 1, toy.pool);
    return run ? std::string("taken") : run.error().message;
  };
  const auto value = [](runtime::Program& program, const char* name) -> graph::Value& {
    return program.graph.value(program.graph.find(name));
  };
  EXPECT_EQ(refusal(good), "taken");
  for (const char* name : {"images", "labels", "loss", "logits"}) {
    TrainingPlan bad = good;
    value(bad.step, name).name = "other";
    EXPECT_NE(refusal(bad).find(fmt::format("the plan's {} is another", name)), std::string::npos);
    bad = good;
    value(bad.evaluate, name).type.dtype = DType::F64;
    EXPECT_NE(refusal(bad).find(fmt::format("the plan's {} is another", name)), std::string::npos);
    bad = good;
    value(bad.step, name).type.dims.push_back(2);
    EXPECT_NE(refusal(bad).find(fmt::format("the plan's {} is another", name)), std::string::npos);
  }
  TrainingPlan bad = good;
  value(bad.step, "logits").is_output = false;
  EXPECT_NE(refusal(bad).find("the plan's logits"), std::string::npos);
  bad = good;
  value(bad.step, "lr").name = "rate";
  EXPECT_NE(refusal(bad).find("the plan's rate"), std::string::npos);
  bad = good;
  value(bad.step, "head.weight").type.dtype = DType::F64;
  EXPECT_NE(refusal(bad).find("the plan's head.weight"), std::string::npos);
}

// Through all passes and with the fast kernels: the channels of a slice move as those of the whole
// weight do, the others stay bit for bit.
TEST(TuningRun, ASliceMovesAsTheWholeWeightDoes) {
  Toy toy;
  PlanOptions options;
  options.optimizer = {.kind = graph::OptimizerKind::Sgd};
  const std::string name = "stage.1.1.conv.weight";
  toy.folder.add("s.json", R"({"layers": {"stage.1.1.conv.weight": {"channels": [3, 9]}}})");
  const TrainingPlan sliced = toy.plan(toy.folder / "s.json", options);
  const TrainingPlan whole = toy.plan("last:1", options);
  const auto found = toy.run(sliced, false, 1), wanted = toy.run(whole, false, 1);
  EXPECT_EQ(Toy::losses(*found, 1), Toy::losses(*wanted, 1));
  const std::vector<float> before = toy.base.values(name), a = *found->tuned(name),
                           b = *wanted->tuned(name);
  size_t moved = 0;  // by a hundred times what is allowed as a difference
  for (size_t i = 0; i < before.size(); ++i) {
    const size_t channel = i / 9 % 16;
    if (channel == 3 || channel == 9) {
      EXPECT_NEAR(a[i], b[i], 1e-6) << i;
      moved += std::abs(a[i] - before[i]) > 1e-4f;
    } else {
      EXPECT_EQ(a[i], before[i]) << i;
    }
  }
  EXPECT_GT(moved, 100u);
}

// Of an ONNX file: a convolution, the mean over the image, a product as head.
TEST(TuningRun, AnOnnxClassifierLearns) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  Rng rng(3);
  const auto random = [&](size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = 0.3f * rng.normal();
    return values;
  };
  test::OnnxParts parts;
  parts.nodes = {test::onnx_node("Conv", {"x", "c"}, {"y"}), test::onnx_node("Relu", {"y"}, {"r"}),
                 test::onnx_node("Flatten", {"r"}, {"f"}),
                 test::onnx_node("Gemm", {"f", "w", "b"}, {"z"})};
  parts.constants = {test::onnx_tensor<float>("c", test::kOnnxFloat, {6, 1, 3, 3}, random(54)),
                     test::onnx_tensor<float>("w", test::kOnnxFloat, {216, 4}, random(864)),
                     test::onnx_tensor<float>("b", test::kOnnxFloat, {4}, random(4))};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {-1, 1, 8, 8})};
  parts.outputs = {test::onnx_value("z", test::kOnnxFloat, {-1, 4})};
  folder.add("net.onnx", test::onnx_file(parts));
  const auto base = open_base_model(folder / "net.onnx", {.batch = 8});
  ASSERT_TRUE(base) << base.error().message;
  EXPECT_EQ(base->kind, BaseKind::Onnx);
  const auto data = open_task_data(*base, {.batch = 8}, {.paths = {write_toy_images(folder)}});
  ASSERT_TRUE(data) << data.error().message;
  const auto plan = compile_chosen(*base, "full", {.shape = {.batch = 8}}, pool.size());
  ASSERT_TRUE(plan) << plan.error().message;
  const auto run =
      TuningRun::create(*base, *plan, **data, {.peak = 3e-3, .steps = 60}, false, 1, pool);
  ASSERT_TRUE(run) << run.error().message;
  const double before = (*run)->held_out()->loss;
  Toy::losses(**run, 60);
  EXPECT_LT((*run)->held_out()->loss, 0.8 * before);
  EXPECT_EQ((*run)->trainer().parameters().size(), 3u);
  for (const auto& [name, now] : (*run)->trainer().parameters()) {
    EXPECT_NE(*(*run)->tuned(name), base->values(name)) << name;
  }
}

// Two convolutions that give the picture again, and a product that says how bright it is.
TEST(TuningRun, AnOnnxNetworkLearnsBySquaredErrors) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  Rng rng(4);
  const auto random = [&](size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = 0.2f * rng.normal();
    return values;
  };
  test::OnnxParts parts;
  parts.nodes = {test::onnx_node("Conv", {"x", "a"}, {"y"}),
                 test::onnx_node("Conv", {"y", "b"}, {"z"})};
  parts.constants = {test::onnx_tensor<float>("a", test::kOnnxFloat, {4, 1, 1, 1}, random(4)),
                     test::onnx_tensor<float>("b", test::kOnnxFloat, {1, 4, 1, 1}, random(4))};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {-1, 1, 8, 8})};
  parts.outputs = {test::onnx_value("z", test::kOnnxFloat, {-1, 1, 8, 8})};
  folder.add("again.onnx", test::onnx_file(parts));
  parts.nodes = {test::onnx_node("Flatten", {"x"}, {"f"}),
                 test::onnx_node("Gemm", {"f", "w"}, {"z"})};
  parts.constants = {
      test::onnx_tensor<float>("w", test::kOnnxFloat, {64, 1}, std::vector<float>(64, 0.2f))};
  parts.outputs = {test::onnx_value("z", test::kOnnxFloat, {-1, 1})};
  folder.add("number.onnx", test::onnx_file(parts));
  const BaseShape shape{.batch = 8, .squared_error = true};
  for (const char* name : {"again.onnx", "number.onnx"}) {
    const auto base = open_base_model(folder / name, shape);
    ASSERT_TRUE(base) << base.error().message;
    EXPECT_FALSE(base->has_classes());
    const auto data = open_task_data(*base, shape, {.paths = {write_toy_images(folder)}});
    ASSERT_TRUE(data) << data.error().message;
    const auto plan = compile_chosen(*base, "full", {.shape = shape}, pool.size());
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_TRUE(parse_settings(print_settings(plan->settings))->shape.squared_error);
    const auto run =
        TuningRun::create(*base, *plan, **data, {.peak = 1e-2, .steps = 60}, false, 1, pool);
    ASSERT_TRUE(run) << run.error().message;
    const auto before = (*run)->held_out();
    Toy::losses(**run, 60);
    const auto after = (*run)->held_out();
    EXPECT_LT(after->loss, 0.5 * before->loss) << name;
    EXPECT_EQ(after->accuracy, 0);
  }
}

// Its batch has eight targets.
TEST(TuningRun, ASquaredErrorIsNotOfOneNumberForAWholeBatch) {
  const test::TemporaryFolder folder;
  test::OnnxParts parts;
  parts.nodes = {test::onnx_node("Flatten", {"x"}, {"f"}),
                 test::onnx_node("Gemm", {"f", "w"}, {"y"}),
                 test::onnx_node("ReduceMean", {"y"}, {"z"})};
  parts.constants = {
      test::onnx_tensor<float>("w", test::kOnnxFloat, {64, 1}, std::vector<float>(64, 0.1f))};
  parts.inputs = {test::onnx_value("x", test::kOnnxFloat, {-1, 1, 8, 8})};
  parts.outputs = {test::onnx_value("z", test::kOnnxFloat, {1, 1})};
  folder.add("mean.onnx", test::onnx_file(parts));
  const auto base = open_base_model(folder / "mean.onnx", {.batch = 8, .squared_error = true});
  ASSERT_FALSE(base);
  EXPECT_NE(base.error().message.find("[1, 1]"), std::string::npos) << base.error().message;
}

// The weights of least squared error of y = [a, c] w + b, by the normal equations.
std::vector<double> least_squares(const std::vector<std::vector<double>>& rows,
                                  const std::vector<double>& targets) {
  const size_t n = rows[0].size();
  std::vector<std::vector<double>> m(n, std::vector<double>(n + 1));
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) m[i][j] += rows[r][i] * rows[r][j];
      m[i][n] += rows[r][i] * targets[r];
    }
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < n; ++k) {
      const double factor = k == i ? 0 : m[k][i] / m[i][i];
      for (size_t j = i; j <= n; ++j) m[k][j] -= factor * m[i][j];
    }
  }
  std::vector<double> solution;
  for (size_t i = 0; i < n; ++i) solution.push_back(m[i][n] / m[i][i]);
  return solution;
}

TEST(TuningRun, ALinearRegressionComesToItsClosedForm) {
  constexpr int64_t kSamples = 40;
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  Rng rng(8);
  std::vector<std::vector<double>> rows;
  std::vector<double> a, c, targets;
  for (int64_t i = 0; i < kSamples; ++i) {
    rows.push_back({rng.normal(), rng.normal(), rng.normal(), 1});
    a.insert(a.end(), {rows.back()[0], rows.back()[1]});
    c.push_back(rows.back()[2]);
    targets.push_back(2 * rows.back()[0] - c.back() + 3 + 0.5 * double{rng.normal()});
  }
  test::write_array(folder / "a.npy", {kSamples, 2}, a);
  test::write_array(folder / "c.npy", {kSamples, 1}, c);
  test::write_array(folder / "target.npy", {kSamples, 1}, targets);
  const std::string net = folder.add("net.onnx", test::onnx_file(test::regressor()));
  const BaseShape shape{.batch = kSamples, .squared_error = true};
  const auto base = open_base_model(net, shape);
  ASSERT_TRUE(base) << base.error().message;
  const DataOptions arrays{.paths = {folder / ""}, .evaluation = {folder / ""}};
  const auto data = open_task_data(*base, shape, arrays);
  ASSERT_TRUE(data) << data.error().message;
  PlanOptions options{.shape = shape};
  options.optimizer = {.kind = graph::OptimizerKind::Sgd};
  const auto plan = compile_chosen(*base, "full", options, pool.size());
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->settings.parameters, 4);
  const auto run =
      TuningRun::create(*base, *plan, **data, {.peak = 0.2, .steps = 300}, false, 1, pool);
  ASSERT_TRUE(run) << run.error().message;
  Toy::losses(**run, 300);
  const std::vector<double> wanted = least_squares(rows, targets);
  std::map<std::string, std::vector<float>> found;
  for (const auto& [name, origin] : base->origins) found[origin.tensor] = *(*run)->tuned(name);
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(found.at("w")[i], wanted[i], 1e-4) << i;
  EXPECT_NEAR(found.at("b")[0], wanted[3], 1e-4);
  double error = 0;
  for (size_t r = 0; r < rows.size(); ++r) {
    double y = -targets[r];
    for (size_t i = 0; i < 4; ++i) y += wanted[i] * rows[r][i];
    error += y * y / kSamples;
  }
  EXPECT_NEAR((*run)->held_out()->loss, error, 1e-5);
}

TEST(TuningRun, AnEncoderLearnsByEveryScheme) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  test::write_sentences(folder.path());
  const std::string net = folder.add("net.onnx", test::encoder_onnx());
  const auto base = open_base_model(net, sentence_shape());
  ASSERT_TRUE(base) << base.error().message;
  const auto data = open_task_data(*base, sentence_shape(), {.paths = {folder / ""}});
  ASSERT_TRUE(data) << data.error().message;
  for (const char* scheme : {"full", "bias", "last:1", "lora:2", "auto"}) {
    const auto plan = compile_chosen(*base, scheme, {.shape = sentence_shape()}, pool.size());
    ASSERT_TRUE(plan) << scheme << ": " << plan.error().message;
    EXPECT_TRUE(runtime::reference_nodes(plan->step).empty()) << scheme;
    const auto run =
        TuningRun::create(*base, *plan, **data, {.peak = 1e-2, .steps = 150}, false, 1, pool);
    ASSERT_TRUE(run) << run.error().message;
    const HeldOut before = *(*run)->held_out();
    Toy::losses(**run, 150);
    const HeldOut after = *(*run)->held_out();
    EXPECT_LT(after.loss, 0.9 * before.loss) << scheme;
    EXPECT_GE(after.accuracy, before.accuracy) << scheme;
  }
}

TEST(TuningRun, ANewHeadForgetsTheOldOne) {
  Toy toy;
  const TrainingPlan plan = toy.plan("head");
  EXPECT_NE(*toy.run(plan, true)->tuned("head.weight"), toy.base.values("head.weight"));
  EXPECT_EQ(*toy.run(plan)->tuned("head.weight"), toy.base.values("head.weight"));
}

TEST(TuningRun, RefusesThePlanOfAnotherModel) {
  Toy toy;
  const TrainingPlan plan = toy.plan("head");
  const auto other = open_base_model(write_toy_network(toy.folder, 2), {.batch = 8});
  const auto run = TuningRun::create(*other, plan, *toy.data, {}, false, 1, toy.pool);
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, Code::Conflict);
}

}  // namespace
}  // namespace verge::fit
