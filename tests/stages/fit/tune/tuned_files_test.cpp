#include <array_files.hpp>
#include <bert_onnx.hpp>
#include <gtest/gtest.h>
#include <tiny_models.hpp>

#include <verge/engine/format/onnx/reader.hpp>
#include <verge/stages/fit/tune/tuned_files.hpp>

#include "toy_network.hpp"

namespace verge::fit {
namespace {

// An adapter would lose what changed beside the factors.
TEST(TunedFiles, FactorsBesideOtherUpdatesAreMergedIntoTheModel) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const BaseShape shape{.batch = 2, .tokens = 16};
  const auto base =
      open_base_model(test::write_model(folder, test::tiny_spec("tiny-llama")), shape);
  ASSERT_TRUE(base) << base.error().message;
  nn::UpdateScheme scheme;
  scheme.lora = graph::LowRank{2, 4};
  scheme.layers["blk.0.ffn_down.weight"].kind = nn::UpdateKind::Full;
  PlanOptions options;
  options.shape = shape;
  const auto plan = compile_training(*base, scheme, options, 1);
  ASSERT_TRUE(plan) << plan.error().message;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "the cat sat on the mat and sang\n";
  const auto data = open_task_data(*base, shape, {.paths = {folder.add("t.txt", text)}});
  ASSERT_TRUE(data) << data.error().message;
  const auto run =
      TuningRun::create(*base, *plan, **data, {.peak = 0.01, .steps = 3}, false, 1, pool);
  ASSERT_TRUE(run) << run.error().message;
  for (int i = 0; i < 3; ++i) {
    (*run)->fill(i);
    (*run)->trainer().step();
  }
  ASSERT_TRUE(write_tuned(folder / "t.gguf", *base, *plan, **run, {}, pool));
  const auto tuned = open_base_model(folder / "t.gguf", shape);
  ASSERT_TRUE(tuned) << tuned.error().message;
  for (const char* name : {"blk.0.ffn_down.weight", "blk.0.attn_q.weight"}) {
    EXPECT_NE(tuned->values(name), base->values(name)) << name;
  }
}

// An encoder after some steps.
struct TunedEncoder {
  test::TemporaryFolder folder;
  ThreadPool pool{1};
  BaseModel base;
  TrainingPlan plan;
  std::unique_ptr<TaskData> data;
  std::unique_ptr<TuningRun> run;

  explicit TunedEncoder(const std::string& scheme) {
    test::write_sentences(folder.path());
    const std::string net = folder.add("net.onnx", test::encoder_onnx());
    base = std::move(*open_base_model(net, sentence_shape()));
    data = std::move(*open_task_data(base, sentence_shape(), {.paths = {folder / ""}}));
    plan = std::move(*compile_chosen(base, scheme, {.shape = sentence_shape()}, 1));
    run = std::move(
        *TuningRun::create(base, plan, *data, {.peak = 0.01, .steps = 9}, false, 1, pool));
    for (int i = 0; i < 9; ++i) {
      run->fill(i);
      run->trainer().step();
    }
  }
};

TEST(TunedFiles, AnOnnxNetworkIsItsFileWithWhatWasLearned) {
  for (const char* scheme : {"full", "lora:2", "bias"}) {
    TunedEncoder tuned(scheme);
    const std::string path = tuned.folder / "tuned.onnx";
    const Status written =
        write_tuned(path, tuned.base, tuned.plan, *tuned.run, {{"why", "test"}}, tuned.pool);
    ASSERT_TRUE(written) << written.error().message;
    const auto again = open_base_model(path, sentence_shape());
    ASSERT_TRUE(again) << again.error().message;
    size_t changed = 0;
    for (const auto& [name, weight] : tuned.base.weights) {
      const std::vector<float> now = again->values(name);
      EXPECT_EQ(now, *tuned.run->tuned(name)) << name;
      changed += now != tuned.base.values(name);
    }
    EXPECT_GT(changed, 10u) << scheme;
    EXPECT_NE(again->hash, tuned.base.hash);
    const auto file = format::onnx::Onnx::open(path);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->model().graph.inputs[0].dims[1].symbol, "sequence_length");
    EXPECT_EQ(file->model().metadata.back().first, "verge.lineage.why");
    // As a base of its own it is as good as when it was written.
    const auto plan = compile_chosen(*again, "head", {.shape = sentence_shape()}, 1);
    const auto run = TuningRun::create(*again, *plan, *tuned.data, {}, false, 1, tuned.pool);
    EXPECT_NEAR((*run)->held_out()->loss, tuned.run->held_out()->loss, 1e-5);
  }
}

TEST(TunedFiles, WhatHasNoPlaceInAnOnnxFileIsNamedBefore) {
  const test::TemporaryFolder folder;
  const auto refusal = [&](const test::OnnxParts& parts, const std::string& output) {
    const std::string path = folder.add("net.onnx", test::onnx_file(parts));
    const auto base = open_base_model(path, {.batch = 2});
    EXPECT_TRUE(base) << base.error().message;
    const auto plan = compile_chosen(*base, "full", {.shape = {.batch = 2}}, 1);
    EXPECT_TRUE(plan) << plan.error().message;
    const Status status = expect_writable(output, *base, *plan);
    return status ? std::string("taken") : status.error().message;
  };
  test::OnnxParts parts = test::small_onnx();
  EXPECT_EQ(refusal(parts, "t.onnx"), "taken");
  EXPECT_NE(refusal(parts, "t.safetensors").find("ends with .onnx"), std::string::npos);
  parts.nodes = {test::onnx_node("Add", {"w", "w"}, {"v"}),
                 test::onnx_node("MatMul", {"x", "v"}, {"y"})};
  EXPECT_NE(refusal(parts, "t.onnx").find("is computed from the file's tensors"),
            std::string::npos);
  parts.constants[0] =
      test::onnx_tensor<float>("w", test::kOnnxFloat, {2, 2}, std::vector<float>{1, 2, 3, 4});
  parts.nodes = {test::onnx_node("Transpose", {"w"}, {"v"}),
                 test::onnx_node("MatMul", {"x", "v"}, {"h"}),
                 test::onnx_node("MatMul", {"h", "w"}, {"y"})};
  parts.outputs = {test::onnx_value("y", test::kOnnxFloat, {-1, 2})};
  EXPECT_NE(refusal(parts, "t.onnx").find("is one of 2 forms of tensor w"), std::string::npos)
      << refusal(parts, "t.onnx");
}

}  // namespace
}  // namespace verge::fit
