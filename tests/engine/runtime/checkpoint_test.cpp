#include <fstream>
#include <numeric>

#include <gtest/gtest.h>

#include <verge/core/file.hpp>
#include <verge/engine/runtime/checkpoint.hpp>

#include "temporary_folder.hpp"

namespace verge::runtime {
namespace {

struct Model {
  Tensor weights{DType::F32, {3, 5}};
  Tensor moments{DType::F64, {7}};

  Checkpoint checkpoint(std::string note = "run") {
    return {9, std::move(note), {{"weights", weights.view()}, {"moments", moments.view()}}};
  }
};

Model filled() {
  Model model;
  std::iota(model.weights.span<float>().begin(), model.weights.span<float>().end(), 1.0f);
  std::iota(model.moments.span<double>().begin(), model.moments.span<double>().end(), 0.5);
  return model;
}

TEST(Checkpoint, ComesBackAsItWas) {
  const test::TemporaryFolder folder;
  Model saved = filled(), loaded;
  ASSERT_TRUE(write_checkpoint(folder / "c", saved.checkpoint()));
  Checkpoint into = loaded.checkpoint();
  into.step = 0;
  ASSERT_TRUE(read_checkpoint(folder / "c", into));
  EXPECT_EQ(into.step, 9u);
  EXPECT_TRUE(std::ranges::equal(loaded.weights.span<float>(), saved.weights.span<float>()));
  EXPECT_TRUE(std::ranges::equal(loaded.moments.span<double>(), saved.moments.span<double>()));
}

TEST(Checkpoint, EveryCutAndEveryFlippedByteIsRefused) {
  const test::TemporaryFolder folder;
  Model saved = filled();
  ASSERT_TRUE(write_checkpoint(folder / "c", saved.checkpoint()));
  const std::string whole = *read_whole_file(folder / "c", 1 << 20);
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const bool cut : {true, false}) {
      std::string damaged = cut ? whole.substr(0, i) : whole;
      if (!cut) damaged[i] ^= 1;
      std::ofstream(folder / "d", std::ios::binary) << damaged;
      Model untouched;
      Checkpoint into = untouched.checkpoint();
      EXPECT_FALSE(read_checkpoint(folder / "d", into)) << i << " cut " << cut;
      EXPECT_EQ(untouched.weights.span<float>()[0], 0.0f);
    }
  }
}

TEST(Checkpoint, OfAnotherOptimizerNamesBoth) {
  const test::TemporaryFolder folder;
  Model saved = filled();
  Checkpoint by_sgd = saved.checkpoint(), by_lion = saved.checkpoint("and another note");
  by_sgd.optimizer = "sgd, momentum 0.9";
  by_lion.optimizer = "lion";
  ASSERT_TRUE(write_checkpoint(folder / "c", by_sgd));
  const Status refused = read_checkpoint(folder / "c", by_lion);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::Conflict);
  EXPECT_NE(
      refused.error().message.find("of the optimizer \"sgd, momentum 0.9\", this run has \"lion\""),
      std::string::npos)
      << refused.error().message;
  EXPECT_TRUE(read_checkpoint(folder / "c", by_sgd));
}

TEST(Checkpoint, AnotherRunOrModelIsAConflict) {
  const test::TemporaryFolder folder;
  Model saved = filled();
  ASSERT_TRUE(write_checkpoint(folder / "c", saved.checkpoint()));
  Checkpoint other_note = saved.checkpoint("another");
  EXPECT_EQ(read_checkpoint(folder / "c", other_note).error().code, Code::Conflict);
  Checkpoint fewer = saved.checkpoint();
  fewer.tensors.pop_back();
  EXPECT_EQ(read_checkpoint(folder / "c", fewer).error().code, Code::Conflict);
  Tensor wide(DType::F32, {3, 6});
  Checkpoint reshaped = saved.checkpoint();
  reshaped.tensors[0].second = wide.view();
  EXPECT_EQ(read_checkpoint(folder / "c", reshaped).error().code, Code::Conflict);
}

}  // namespace
}  // namespace verge::runtime
