#include <map>
#include <set>

#include <array_files.hpp>
#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/stages/fit/tune/array_task.hpp>

namespace verge::fit {
namespace {

// Samples whose number stands in each of their files.
struct Counted {
  test::TemporaryFolder folder;
  BaseShape shape{.batch = 4};
  BaseModel base;
  std::map<std::string, Tensor> places = {};

  explicit Counted(int64_t count = 23) {
    base = std::move(
        *open_base_model(folder.add("n.onnx", test::onnx_file(test::small_onnx())), shape));
    std::vector<double> x, labels;
    for (int64_t i = 0; i < count; ++i) {
      x.insert(x.end(), {static_cast<double>(i), 0});
      labels.push_back(static_cast<double>(i % 3));
    }
    test::write_array(folder / "x.npy", {count, 2}, x);
    test::write_array(folder / "labels.npy", {count}, labels, DType::I64);
    places["x"] = Tensor(DType::F32, {4, 2});
    places["labels"] = Tensor(DType::I32, {4});
  }
  Result<std::unique_ptr<TaskData>> open(DataOptions options = {}) const {
    options.paths = {folder / ""};
    return open_array_task(base, shape, options);
  }
  TaskData::Input input() const {
    return [this](std::string_view name) -> const TensorView& {
      return places.at(std::string(name)).view();
    };
  }
  // The samples that lie in the batch; their labels are theirs.
  std::vector<int> samples(int64_t count) const {
    std::vector<int> found;
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      found.push_back(static_cast<int>(places.at("x").span<const float>()[2 * i]));
      EXPECT_EQ(places.at("labels").span<const int32_t>()[i], found.back() % 3);
    }
    return found;
  }
};

TEST(ArrayTask, EachSampleIsLearnedOrHeldOut) {
  const Counted data;
  const auto task = data.open({.held_out = 0.3, .seed = 5});
  ASSERT_TRUE(task) << task.error().message;
  std::set<int> held_out, learned;
  ASSERT_EQ((*task)->held_out_batches(), 2);
  for (int64_t batch = 0; batch < 2; ++batch) {
    const int64_t count = (*task)->fill_held_out(batch, data.input());
    EXPECT_EQ(count, batch == 0 ? 4 : 3);
    for (const int sample : data.samples(count)) EXPECT_TRUE(held_out.insert(sample).second);
  }
  EXPECT_EQ((*task)->label(3), -1);  // behind the last
  ASSERT_EQ((*task)->passes_per_epoch(), 4);
  for (int64_t pass = 0; pass < 4; ++pass) {
    (*task)->fill(pass, data.input());
    for (const int sample : data.samples(4)) {
      EXPECT_TRUE(learned.insert(sample).second);
      EXPECT_FALSE(held_out.contains(sample));
    }
  }
  EXPECT_EQ(held_out.size(), 7u);
  EXPECT_EQ(learned.size(), 16u);
}

TEST(ArrayTask, ABatchIsAFunctionOfSeedAndPass) {
  const Counted data;
  const auto batch_of = [&](uint64_t seed, int64_t pass) {
    const auto task = data.open({.seed = seed});
    (*task)->fill(pass, data.input());
    return data.samples(4);
  };
  EXPECT_EQ(batch_of(1, 3), batch_of(1, 3));
  EXPECT_NE(batch_of(1, 3), batch_of(2, 3));
  EXPECT_NE(batch_of(1, 0), batch_of(1, 5));
}

TEST(ArrayTask, MeasuresOnOtherArrays) {
  const Counted data, other(3);
  const auto task = data.open({.evaluation = {other.folder / ""}});
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ((*task)->held_out_batches(), 1);
  EXPECT_EQ((*task)->fill_held_out(0, data.input()), 3);
  EXPECT_EQ(data.samples(3), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ((*task)->passes_per_epoch(), 5);
}

TEST(ArrayTask, NeedsABatchToLearnFrom) {
  const Counted data(4);
  const auto task = data.open();
  ASSERT_FALSE(task);
  EXPECT_NE(task.error().message.find("3 samples to learn from for batches of 4, 1 are held out"),
            std::string::npos)
      << task.error().message;
}

TEST(ArrayTask, TheFirstSoManyAreThoseOfTheFile) {
  const Counted data;
  const auto task = data.open({.held_out = 0.3, .training_images = 4});
  ASSERT_TRUE(task) << task.error().message;
  std::set<int> held_out;
  for (int64_t batch = 0; batch < (*task)->held_out_batches(); ++batch) {
    const int64_t count = (*task)->fill_held_out(batch, data.input());
    for (const int sample : data.samples(count)) held_out.insert(sample);
  }
  std::set<int> first;
  for (int sample = 0; first.size() < 4; ++sample) {
    if (!held_out.contains(sample)) first.insert(sample);
  }
  (*task)->fill(0, data.input());
  const std::vector<int> learned = data.samples(4);
  EXPECT_EQ(std::set<int>(learned.begin(), learned.end()), first);
}

TEST(ArrayTask, PartsWithoutALabelThatCountsAreRefused) {
  const Counted data, other(4);
  test::write_array(other.folder / "labels.npy", {4}, {-1, -100, -1, -1}, DType::I64);
  const auto unmeasured = data.open({.evaluation = {other.folder / ""}});
  ASSERT_FALSE(unmeasured);
  EXPECT_NE(unmeasured.error().message.find("no label counts of the 4 samples to measure on"),
            std::string::npos)
      << unmeasured.error().message;
  EXPECT_TRUE(unmeasured.error().message.starts_with(other.folder / ""));
  const auto unlearned = other.open({.evaluation = {data.folder / ""}});
  ASSERT_FALSE(unlearned);
  EXPECT_NE(unlearned.error().message.find("no label counts of the 4 samples to learn from"),
            std::string::npos)
      << unlearned.error().message;
}

}  // namespace
}  // namespace verge::fit
