#include <algorithm>
#include <filesystem>

#include <verge/engine/format/gguf/reader.hpp>
#include <verge/engine/runtime/step.hpp>

#include "exit_harness.hpp"

namespace verge::adapt {
namespace {

using namespace test_exits;

void expect_same_tensors(const std::string& path, const std::string& base, size_t further) {
  const auto made = format::Gguf::open(path), from = format::Gguf::open(base);
  ASSERT_TRUE(made && from);
  ASSERT_EQ(made->tensors().size(), from->tensors().size() + further);
  for (const format::StoredTensor& tensor : from->tensors()) {
    const format::StoredTensor* copy = made->find(tensor.name);
    ASSERT_NE(copy, nullptr) << tensor.name;
    EXPECT_TRUE(std::ranges::equal(copy->bytes, tensor.bytes)) << tensor.name;
  }
}

class Tune : public testing::TestWithParam<bool> {};

// Held-out text is predicted better at each exit, with a matrix of its own more of its tokens are
// the whole model's, and of the model itself no bit is another.
TEST_P(Tune, HeadsLearnAndTheModelStays) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  AdaptExitsOptions options = quick_options(folder);
  options.is_untied = GetParam();
  options.layers = {1, 3};
  if (GetParam()) {
    options.distil = 4;
    options.schedule.peak = 5e-4;
  }
  options.command = "verge adapt exits";
  const auto result = adapt_exits(options, pool, SystemClock{});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(result->finished);
  ASSERT_EQ(result->after.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(result->after[i].after, options.layers[i]);
    EXPECT_LT(result->after[i].loss, result->before[i].loss);
    EXPECT_GE(result->after[i].agreement, result->before[i].agreement);
    if (GetParam()) {
      EXPECT_GT(result->after[i].agreement, result->before[i].agreement);
    }
  }
  EXPECT_EQ(result->loss_after, result->loss_before);
  expect_same_tensors(options.output, options.model, GetParam() ? 2 : 0);
  const auto file = format::Gguf::open(options.output);
  EXPECT_EQ(*file->metadata().get_array<int64_t>("verge.exit_layers"), options.layers);
  EXPECT_EQ(*file->metadata().get_string("verge.lineage.command"), "verge adapt exits");
  const int64_t width = 256, vocab = file->find("token_embd.weight")->shape[0];
  EXPECT_EQ(result->parameters, 2 * (width + (GetParam() ? vocab * width : 0)));
}

INSTANTIATE_TEST_SUITE_P(AdaptExits, Tune, testing::Bool(),
                         [](const auto& info) { return info.param ? "Untied" : "Tied"; });

// A matrix of the output's own that quantization has rounded once is not rounded again.
TEST(AdaptExits, TheModelsOwnOutputMatrixStays) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  AdaptExitsOptions options = quick_options(folder);
  options.model = test::write_model(folder, test::wide_spec("tiny-llama"), DType::Q4_K);
  ASSERT_NE(format::Gguf::open(options.model)->find("output.weight"), nullptr);
  options.layers = {1};
  options.schedule.steps = 3;
  const auto result = adapt_exits(options, pool, SystemClock{});
  ASSERT_TRUE(result.ok()) << result.error().message;
  expect_same_tensors(options.output, options.model, 0);
}

TEST(AdaptExits, ACancelledRunGoesOnToTheSameFile) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  AdaptExitsOptions options = quick_options(folder);
  options.schedule.steps = 8;
  ASSERT_TRUE(adapt_exits(options, pool, SystemClock{}));
  const std::string whole = options.output;
  options.output = folder / "resumed.gguf";
  options.checkpoint = folder / "ckpt";
  std::atomic<bool> cancel{false};
  const auto stop = [&](const runtime::LoopProgress& now) { cancel = now.step == 3; };
  const auto first = adapt_exits(options, pool, SystemClock{}, stop, &cancel);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_FALSE(first->finished);
  EXPECT_EQ(first->steps, 3);
  EXPECT_TRUE(first->after.empty());
  EXPECT_FALSE(std::filesystem::exists(options.output));
  const auto second = adapt_exits(options, pool, SystemClock{});
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_EQ(second->steps, 8);
  const auto one = format::Gguf::open(whole), other = format::Gguf::open(options.output);
  for (const char* key : {"verge.exit.2.norm", "verge.exit.4.norm"}) {
    EXPECT_EQ(*one->metadata().get_array<float>(key), *other->metadata().get_array<float>(key));
  }
  AdaptExitsOptions changed = options;
  changed.layers = {3};
  EXPECT_EQ(adapt_exits(changed, pool, SystemClock{}).error().code, Code::Conflict);
}

// All weights learn: the last head of the text, too, and the heads with it.
TEST(AdaptExits, AllWeightsLearnTogether) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  AdaptExitsOptions options = quick_options(folder);
  options.mode = ExitMode::Joint;
  options.schedule = {.peak = 5e-4, .warmup = 2, .steps = 20, .final_share = 0.1};
  options.exit_weights = {0.1, 0.2};
  const auto result = adapt_exits(options, pool, SystemClock{});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_LT(result->loss_after, result->loss_before);
  for (size_t i = 0; i < 2; ++i) EXPECT_LT(result->after[i].loss, result->before[i].loss);
  const auto made = format::Gguf::open(options.output), from = format::Gguf::open(options.model);
  ASSERT_TRUE(made && from);
  EXPECT_EQ(made->tensors().size(), from->tensors().size());
  EXPECT_EQ(made->find("blk.5.ffn_down.weight")->dtype, from->find("blk.5.ffn_down.weight")->dtype);
}

}  // namespace
}  // namespace verge::adapt
