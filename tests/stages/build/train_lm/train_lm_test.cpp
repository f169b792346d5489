#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>

#include <verge/engine/format/gguf/reader.hpp>
#include <verge/stages/build/train_lm/train_lm.hpp>

#include "child_process.hpp"
#include "small_disk.hpp"
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

// The child trains with one thread, because none survives the fork; bits do not depend on it.
TEST(TrainLm, AKilledRunGoesOnWithTheSameLosses) {
  const test::TemporaryFolder folder;
  TrainLmOptions options = tiny(folder);
  options.schedule.steps = 150;
  const TrainLmOptions plain = options;
  options.checkpoint = folder / "ckpt";
  options.checkpoint_every = 1;
  for (const int delay_ms : {3, 17}) {
    const pid_t child = test::start_child([&] {
      ThreadPool pool(1);
      return train_lm(options, pool, SystemClock{}).ok() ? 0 : 1;
    });
    while (!std::filesystem::exists(options.checkpoint)) ::usleep(1000);
    ::usleep(static_cast<useconds_t>(delay_ms) * 1000);
    ::kill(child, SIGKILL);
    test::wait_child(child);
  }
  ThreadPool pool(2);
  const auto whole = train_lm(plain, pool, SystemClock{});
  const auto rest = train_lm(options, pool, SystemClock{});
  ASSERT_TRUE(rest) << rest.error().message;
  const size_t done = whole->history.size() - rest->history.size();
  for (size_t i = 0; i < rest->history.size(); ++i) {
    EXPECT_EQ(rest->history[i].loss, whole->history[done + i].loss) << i;
  }
}

TEST(TrainLm, AFullDiskLeavesTheLastCheckpoint) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  TrainLmOptions options = tiny(folder);
  options.checkpoint = folder / "ckpt";
  std::atomic<bool> cancel{false};
  const auto stop = [&](const TrainingProgress& progress) { cancel = progress.step % 10 == 0; };
  ASSERT_TRUE(train_lm(options, pool, SystemClock{}, stop, &cancel));
  cancel = false;
  {
    const test::SmallDisk disk(1000);
    EXPECT_FALSE(train_lm(options, pool, SystemClock{}, stop, &cancel));
  }
  const auto rest = train_lm(options, pool, SystemClock{});
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(rest->history.size(), 50u);
}

TEST(TrainLm, ALossThatIsNoNumberStopsAtTheLastGoodStateAndNamesTheTensor) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  TrainLmOptions options = tiny(folder);
  options.checkpoint = folder / "ckpt";
  options.checkpoint_every = 1;
  options.schedule.peak = 1e38;
  const auto result = train_lm(options, pool, SystemClock{});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::Malformed);
  EXPECT_NE(result.error().message.find(".weight is no longer finite"), std::string::npos)
      << result.error().message;
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
