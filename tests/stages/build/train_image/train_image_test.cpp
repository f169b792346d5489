#include <gtest/gtest.h>

#include <verge/stages/build/train_image/train_image.hpp>

#include "toy_images.hpp"

namespace verge::build {
namespace {

const SystemClock kClock;

TEST(TrainImage, SolvesASeparableProblemByFastKernels) {
  ThreadPool pool(2);
  const auto result = train_image(toy_images(), toy_options(), pool, kClock);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->accuracy, 1.0);
  EXPECT_EQ(result->steps, 80);
  EXPECT_TRUE(result->finished);
  EXPECT_EQ(result->reference_nodes, std::vector<std::string>{});
}

TEST(TrainImage, GoesOnAfterAnInterruptionWithTheSameLosses) {
  ThreadPool pool(2);
  const auto whole = train_image(toy_images(), toy_options(), pool, kClock);
  const test::TemporaryFolder folder;
  TrainImageOptions saved = toy_options();
  saved.checkpoint = folder / "run.ckpt";
  saved.output = folder / "net.safetensors";
  std::atomic<bool> cancel = false;
  const auto first = train_image(
      toy_images(), saved, pool, kClock, [&](const ImageProgress& p) { cancel = p.step == 33; },
      &cancel);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(first->finished);
  ThreadPool one(1);
  const auto rest = train_image(toy_images(), saved, one, kClock);
  ASSERT_TRUE(rest) << rest.error().message;
  ASSERT_EQ(rest->history.size(), 80u - 33u);
  for (size_t i = 0; i < rest->history.size(); ++i) {
    EXPECT_EQ(rest->history[i].loss, whole->history[33 + i].loss) << i;
  }
  EXPECT_TRUE(std::filesystem::exists(saved.output));
  saved.seed = 2;
  EXPECT_EQ(train_image(toy_images(), saved, pool, kClock).error().code, Code::Conflict);
}

TEST(TrainImage, RefusesWhatCannotWork) {
  ThreadPool pool(1);
  TrainImageOptions wrong = toy_options();
  wrong.batch = 161;
  EXPECT_EQ(train_image(toy_images(), wrong, pool, kClock).error().code, Code::InvalidArgument);
  wrong = toy_options();
  wrong.epochs = 0;
  EXPECT_EQ(train_image(toy_images(), wrong, pool, kClock).error().code, Code::InvalidArgument);
  wrong = toy_options();
  wrong.learning_rate = 1e30;
  EXPECT_EQ(train_image(toy_images(), wrong, pool, kClock).error().code, Code::Malformed);
}

}  // namespace
}  // namespace verge::build
