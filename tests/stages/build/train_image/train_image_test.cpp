#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/build/train_image/train_image.hpp>

#include "temporary_folder.hpp"

namespace verge::build {
namespace {

// 8x8 images of noise with a bright half: top, bottom, left or right.
ImageSet halves(int64_t count, uint64_t seed) {
  ImageSet set{8, 8, {}, {}};
  Rng rng(seed);
  for (int64_t i = 0; i < count; ++i) {
    const int32_t label = static_cast<int32_t>(i % 4);
    set.labels.push_back(label);
    for (int64_t p = 0; p < 64; ++p) {
      const bool bright[] = {p / 8 < 4, p / 8 >= 4, p % 8 < 4, p % 8 >= 4};
      set.pixels.push_back(static_cast<uint8_t>((bright[label] ? 150 : 0) + rng.below(60)));
    }
  }
  return set;
}

ImageData toy() {
  return {halves(160, 1), halves(80, 2), 4, "toy"};
}

TrainImageOptions options() {
  TrainImageOptions options;
  options.stages = {{8}, {16}};
  options.augmentation = {.shift = 1, .degrees = 5, .scale = 0};
  options.epochs = 8;
  options.batch = 16;
  options.learning_rate = 1e-2;
  return options;
}

const SystemClock kClock;

TEST(TrainImage, SolvesASeparableProblemByFastKernels) {
  ThreadPool pool(2);
  const auto result = train_image(toy(), options(), pool, kClock);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->accuracy, 1.0);
  EXPECT_EQ(result->steps, 80);
  EXPECT_TRUE(result->finished);
  EXPECT_EQ(result->reference_nodes, std::vector<std::string>{});
}

TEST(TrainImage, GoesOnAfterAnInterruptionWithTheSameLosses) {
  ThreadPool pool(2);
  const auto whole = train_image(toy(), options(), pool, kClock);
  const test::TemporaryFolder folder;
  TrainImageOptions saved = options();
  saved.checkpoint = folder / "run.ckpt";
  saved.output = folder / "net.safetensors";
  std::atomic<bool> cancel = false;
  const auto first = train_image(
      toy(), saved, pool, kClock, [&](const ImageProgress& p) { cancel = p.step == 33; }, &cancel);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(first->finished);
  ThreadPool one(1);
  const auto rest = train_image(toy(), saved, one, kClock);
  ASSERT_TRUE(rest) << rest.error().message;
  ASSERT_EQ(rest->history.size(), 80u - 33u);
  for (size_t i = 0; i < rest->history.size(); ++i) {
    EXPECT_EQ(rest->history[i].loss, whole->history[33 + i].loss) << i;
  }
  EXPECT_TRUE(std::filesystem::exists(saved.output));
  saved.seed = 2;
  EXPECT_EQ(train_image(toy(), saved, pool, kClock).error().code, Code::Conflict);
}

TEST(TrainImage, RefusesWhatCannotWork) {
  ThreadPool pool(1);
  TrainImageOptions wrong = options();
  wrong.batch = 161;
  EXPECT_EQ(train_image(toy(), wrong, pool, kClock).error().code, Code::InvalidArgument);
  wrong = options();
  wrong.epochs = 0;
  EXPECT_EQ(train_image(toy(), wrong, pool, kClock).error().code, Code::InvalidArgument);
  wrong = options();
  wrong.learning_rate = 1e30;
  EXPECT_EQ(train_image(toy(), wrong, pool, kClock).error().code, Code::Malformed);
}

}  // namespace
}  // namespace verge::build
