#include <gtest/gtest.h>

#include <verge/engine/format/gguf/reader.hpp>
#include <verge/stages/build/train_lm/train_lm.hpp>

#include "temporary_folder.hpp"

namespace verge::build {
namespace {

TrainLmOptions tiny(const test::TemporaryFolder& folder) {
  std::string text;
  for (int i = 0; i < 600; ++i)
    text += i % 3 == 0 ? "the cat sat on the mat. " : "a dog ran in the park. ";
  TrainLmOptions options;
  options.corpus = {.files = {folder.add("text", text)}, .vocabulary = 270};
  options.shape = {.d_model = 32,
                   .layers = 2,
                   .heads = 2,
                   .kv_heads = 1,
                   .ffn_dim = 32,
                   .context = 16,
                   .exit_layers = {1}};
  options.batch = 4;
  options.schedule = {.peak = 1e-2, .warmup = 5, .steps = 60, .final_share = 0.1};
  options.evaluate_every = 30;
  options.type = DType::F32;
  return options;
}

TEST(TrainLm, LearnsATextOfTwoSentencesAndWritesIt) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  TrainLmOptions options = tiny(folder);
  options.output = folder / "out.gguf";
  options.command = "verge train lm text";
  const auto result = train_lm(options, pool, SystemClock{});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->finished);
  EXPECT_GT(result->history.front().loss, 4.0);
  EXPECT_LT(result->held_out_loss, 1.5);
  const auto file = format::Gguf::open(options.output);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(*file->metadata().get_string("verge.lineage.command"), "verge train lm text");
  EXPECT_EQ(file->metadata().get_array<float>("verge.exit.1.norm")->size(), 32u);
  EXPECT_EQ(file->find("exit.1.norm.weight"), nullptr);
  EXPECT_NE(file->find("blk.1.ffn_down.weight"), nullptr);
}

TEST(TrainLm, ACancelledRunGoesOnWithTheSameLosses) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  const TrainLmOptions plain = tiny(folder);
  const auto whole = train_lm(plain, pool, SystemClock{});
  ASSERT_TRUE(whole);
  TrainLmOptions options = plain;
  options.checkpoint = folder / "ckpt";
  std::atomic<bool> cancel{false};
  const auto stop = [&](const TrainingProgress& progress) { cancel = progress.step == 25; };
  const auto first = train_lm(options, pool, SystemClock{}, stop, &cancel);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(first->finished);
  const auto second = train_lm(options, pool, SystemClock{});
  ASSERT_TRUE(second) << second.error().message;
  ASSERT_EQ(first->history.size() + second->history.size(), whole->history.size());
  for (size_t i = 0; i < second->history.size(); ++i) {
    EXPECT_EQ(second->history[i].loss, whole->history[25 + i].loss);
  }
}

TEST(TrainLm, RefusesShapesThatDoNotFit) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  TrainLmOptions options = tiny(folder);
  options.shape.heads = 5;
  EXPECT_EQ(train_lm(options, pool, SystemClock{}).error().code, Code::InvalidArgument);
  options = tiny(folder);
  options.shape.exit_layers = {2};
  EXPECT_NE(train_lm(options, pool, SystemClock{}).error().message.find("layers from 1 to 1"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::build
