#include <gtest/gtest.h>
#include <tiny_model.hpp>

#include <verge/stages/serve/bench/bench.hpp>

namespace verge::serve {
namespace {

/// One second a reading: every duration is a count of readings.
class CountingClock : public Clock {
 public:
  double seconds() const override { return now_ += 1; }

 private:
  mutable double now_ = 0;
};

format::StoredTensor stored(const std::string& name, Shape shape,
                            std::span<const std::byte> bytes) {
  format::StoredTensor tensor;
  tensor.name = name;
  tensor.shape = shape;
  tensor.dtype = DType::F32;
  tensor.bytes = bytes;
  return tensor;
}

TEST(Bench, DecodeReadsUsedExpertsAndOneRowOfAnUntiedEmbedding) {
  const std::vector<std::byte> bytes(6400);
  const std::span all(bytes);
  nn::DecoderConfig config;
  config.layers = 2;
  config.kv_heads = 3;
  config.head_dim = 32;
  config.moe = {.experts = 8, .experts_used = 2};
  format::ModelSource source;
  ASSERT_TRUE(source.add(stored("token_embd.weight", {100, 16}, all)));
  ASSERT_TRUE(source.add(stored("blk.0.ffn_up_exps.weight", {8, 1, 200}, all)));
  const double kv = 2.0 * 2 * 3 * 32 * 10 * 2;  // layers, K and V, heads, head_dim, tokens, f16
  EXPECT_DOUBLE_EQ(decode_bytes(source, config, DType::F16, 10), 6400 + 6400 * 0.25 + kv);
  ASSERT_TRUE(source.add(stored("output.weight", {100, 16}, all)));
  EXPECT_DOUBLE_EQ(decode_bytes(source, config, DType::F16, 10), 64 + 6400 * 0.25 + 6400 + kv);
}

class BenchRun : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = test::tiny_model(folder_);
    auto loaded = model::LanguageModel::load(path, {.context = 64}, pool_);
    ASSERT_TRUE(loaded) << loaded.error().message;
    model_ = std::move(*loaded);
  }

  test::TemporaryFolder folder_;
  CountingClock clock_;
  ThreadPool pool_{1};
  std::unique_ptr<model::LanguageModel> model_;
};

TEST_F(BenchRun, FiguresFollowTheClock) {
  int runs = 0;
  const auto bench = run_bench(*model_, pool_, clock_,
                               {.prompt_tokens = 20, .gen_tokens = 5, .repeat = 2, .profile = true},
                               [&](int done, int) { runs = done; });
  ASSERT_TRUE(bench) << bench.error().message;
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(bench->prefill_tokens_per_s, 20);
  EXPECT_EQ(bench->time_to_first_token_s, 2);
  EXPECT_EQ(bench->decode_tokens_per_s, 5);
  EXPECT_GT(bench->peak_rss_bytes, 0);
  EXPECT_FALSE(bench->prefill_profile.empty());
  EXPECT_FALSE(bench->decode_profile.empty());
}

TEST_F(BenchRun, RefusesWhatCannotBeMeasured) {
  for (const BenchOptions& options :
       {BenchOptions{.prompt_tokens = 0}, BenchOptions{.gen_tokens = 0}, BenchOptions{.repeat = 0},
        BenchOptions{.prompt_tokens = 60, .gen_tokens = 5}}) {
    const auto bench = run_bench(*model_, pool_, clock_, options);
    ASSERT_FALSE(bench);
    EXPECT_EQ(bench.error().code, Code::InvalidArgument);
  }
}

}  // namespace
}  // namespace verge::serve
