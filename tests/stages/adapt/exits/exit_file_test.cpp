#include <verge/engine/format/gguf/reader.hpp>
#include <verge/stages/adapt/exits/exit_file.hpp>

#include "exit_harness.hpp"

namespace verge::adapt {
namespace {

using namespace test_exits;

TEST(ExitFile, WhatIsNotTrainedIsCopiedAndTheRestHasTheModelsTypes) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  AdaptExitsOptions options = quick_options(folder);
  options.mode = ExitMode::Joint;
  const auto run = prepare_run(options);
  ASSERT_TRUE(run.ok());
  const int64_t width = run->config.d_model;
  Tensor norm(DType::F32, {width}), matrix(DType::F32, {run->config.vocab, width}),
      inner(DType::F32, {width});
  norm.span<float>()[3] = 5;
  inner.span<float>()[0] = 7;
  const std::vector<std::pair<std::string, TensorView>> trained = {
      {"exit.2.norm.weight", norm.view()},
      {"exit.4.norm.weight", norm.view()},
      {"exit.4.output.weight", matrix.view()},
      {"blk.0.attn_norm.weight", inner.view()}};
  ASSERT_TRUE(write_exits(options, *run, trained, pool));
  const auto file = format::Gguf::open(options.output);
  ASSERT_TRUE(file) << file.error().message;
  const auto& base = run->source;
  EXPECT_EQ(file->tensors().size(), base.tensors().size() + 1);
  EXPECT_EQ((*file->metadata().get_array<float>("verge.exit.2.norm"))[3], 5);
  EXPECT_EQ(file->find("exit.4.output.weight")->dtype, base.find("token_embd.weight")->dtype);
  EXPECT_EQ(*reinterpret_cast<const float*>(file->find("blk.0.attn_norm.weight")->bytes.data()), 7);
  const auto* copied = file->find("blk.1.attn_q.weight");
  EXPECT_TRUE(std::ranges::equal(copied->bytes, base.find(copied->name)->bytes));
  options.type = DType::F16;
  ASSERT_TRUE(write_exits(options, *run, trained, pool));
  EXPECT_EQ(format::Gguf::open(options.output)->find("exit.4.output.weight")->dtype, DType::F16);
  // Where heads alone learn, nothing of the model is another.
  options.mode = ExitMode::Tune;
  ASSERT_TRUE(write_exits(options, *run, trained, pool));
  const auto tuned = format::Gguf::open(options.output);
  ASSERT_TRUE(tuned) << tuned.error().message;
  for (const format::StoredTensor& own : base.tensors()) {
    EXPECT_TRUE(std::ranges::equal(tuned->find(own.name)->bytes, own.bytes)) << own.name;
  }
}

}  // namespace
}  // namespace verge::adapt
