#include <verge/engine/model/embedding.hpp>
#include <verge/engine/runtime/step.hpp>

#include "tiny_models.hpp"

namespace verge::model {
namespace {

class EmbeddingTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = test::write_model(folder_, test::tiny_spec("tiny-llama"));
    model_ = test::load_model(path_, pool_, {.context = 128, .max_tokens = 64, .max_outputs = 64});
    ASSERT_NE(model_, nullptr);
    tokens_ = test::random_tokens(100, 512);
  }

  // The hidden states of all tokens, from the program that gives logits too.
  std::vector<std::vector<float>> hidden_states(std::span<const int32_t> tokens) {
    runtime::Decoder& decoder = model_->decoder();
    runtime::Sequence sequence(decoder);
    std::vector<std::vector<float>> states;
    while (!tokens.empty()) {
      const auto chunk = tokens.first(std::min<size_t>(tokens.size(), 50));
      const runtime::StepItem item{&sequence, chunk, static_cast<int64_t>(chunk.size())};
      EXPECT_TRUE(run_step(decoder, std::span(&item, 1)).ok());
      for (int64_t row = 0; row < item.outputs; ++row) {
        const auto hidden = step_hidden(decoder, row);
        states.emplace_back(hidden.begin(), hidden.end());
      }
      tokens = tokens.subspan(chunk.size());
    }
    return states;
  }
  std::vector<float> embedded(std::span<const int32_t> tokens, Pooling pooling) {
    auto vector = embed(*model_, tokens, pooling);
    EXPECT_TRUE(vector.ok()) << vector.error().message;
    return vector.ok() ? *vector : std::vector<float>{};
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{2};
  std::string path_;
  std::unique_ptr<LanguageModel> model_;
  std::vector<int32_t> tokens_;
};

TEST_F(EmbeddingTest, PoolsTheHiddenStatesOfAllTokens) {
  for (const size_t count : {1, 7, 64, 100}) {
    const auto tokens = std::span(tokens_).first(count);
    const auto states = hidden_states(tokens);
    std::vector<float> mean(states[0].size());
    for (const auto& state : states) {
      for (size_t i = 0; i < mean.size(); ++i) {
        mean[i] += state[i] / static_cast<float>(states.size());
      }
    }
    EXPECT_LE(test::relative_error(embedded(tokens, Pooling::Mean), mean), 1e-5) << count;
    EXPECT_LE(test::relative_error(embedded(tokens, Pooling::Cls), states.front()), 1e-5) << count;
    EXPECT_LE(test::relative_error(embedded(tokens, Pooling::Last), states.back()), 1e-5) << count;
  }
  EXPECT_EQ(model_->decoder().pool.free_pages(), model_->decoder().pool.pages());
}

TEST_F(EmbeddingTest, RefusesNothingAndTooMuch) {
  EXPECT_EQ(embed(*model_, {}, Pooling::Mean).error().code, Code::InvalidArgument);
  const std::vector<int32_t> many(129, 5);
  EXPECT_EQ(embed(*model_, many, Pooling::Mean).error().code, Code::InvalidArgument);
  runtime::Sequence greedy(model_->decoder());
  ASSERT_TRUE(greedy.reserve(100).ok());
  EXPECT_EQ(embed(*model_, tokens_, Pooling::Mean).error().code, Code::OutOfMemory);
}

TEST_F(EmbeddingTest, TheFileSaysHowToPool) {
  EXPECT_EQ(*pooling_of(model_->source()), Pooling::Mean);
  const Pooling kinds[] = {Pooling::Mean, Pooling::Mean, Pooling::Cls, Pooling::Last};
  for (uint32_t type = 0; type < 5; ++type) {
    const auto source = format::ModelSource::open(test::rewrite_model(
        path_, fmt::format("-{}", type),
        [&](format::Metadata& metadata) { metadata.set("llama.pooling_type", type); }));
    ASSERT_TRUE(source.ok());
    const auto pooling = pooling_of(*source);
    if (type < 4) {
      EXPECT_EQ(*pooling, kinds[type]);
    } else {
      EXPECT_EQ(pooling.error().code, Code::Unsupported);
    }
  }
}

}  // namespace
}  // namespace verge::model
