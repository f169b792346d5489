#include <algorithm>
#include <cmath>
#include <numeric>

#include <nlohmann/json.hpp>

#include <verge/stages/serve/generate/generate.hpp>

#include "captured_answers.hpp"
#include "peers.hpp"
#include "shared_data.hpp"
#include "tiny_models.hpp"

namespace verge::serve {
namespace {

class Generate : public testing::Test {
 protected:
  void SetUp() override {
    model::LoadOptions options;
    options.context = 64;
    model_ =
        test::load_model(test::write_model(folder_, test::tiny_spec("tiny-llama")), pool_, options);
    ASSERT_NE(model_, nullptr);
    options_.ignore_end = true;
    options_.max_tokens = 20;
    options_.sampling.temperature = 0;
  }

  Generation run(const std::atomic<bool>* cancel = nullptr) {
    runtime::Session session = model_->session();
    shown_.clear();
    auto result = generate(
        *model_, session, prompt_, options_, clock_, [&](std::string_view text) { shown_ += text; },
        cancel);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.ok() ? *result : Generation{};
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  SystemClock clock_;
  std::unique_ptr<model::LanguageModel> model_;
  std::vector<int32_t> prompt_ = test::random_tokens(10, 512);
  AnswerOptions options_;
  std::string shown_;
};

TEST_F(Generate, EndsAtTheLimitAndShowsWhatItReturns) {
  const Generation result = run();
  EXPECT_EQ(result.tokens.size(), 20u);
  EXPECT_EQ(result.reason, StopReason::MaxTokens);
  EXPECT_EQ(result.prompt_tokens, 10);
  EXPECT_EQ(result.text, shown_);
}

TEST_F(Generate, DrawsAlikeForOneSeed) {
  options_.sampling.temperature = 1;
  options_.sampling.seed = 5;
  const std::vector<int32_t> first = run().tokens;
  EXPECT_EQ(run().tokens, first);
  options_.sampling.seed = 6;
  EXPECT_NE(run().tokens, first);
}

TEST_F(Generate, StopsBeforeAString) {
  const std::string whole = run().text;
  ASSERT_GT(whole.size(), 12u);
  options_.stop = {whole.substr(whole.size() / 2, 4)};
  const Generation cut = run();
  EXPECT_EQ(cut.reason, StopReason::StopString);
  EXPECT_EQ(cut.text, whole.substr(0, whole.find(options_.stop[0])));
  EXPECT_EQ(cut.text, shown_);
}

TEST_F(Generate, FillsTheContextAndNoMore) {
  options_.max_tokens = -1;
  const Generation result = run();
  EXPECT_EQ(result.reason, StopReason::ContextFull);
  EXPECT_EQ(result.tokens.size(), 64u - 10u + 1u);
}

TEST_F(Generate, LogprobsAreOfTheWholeVocabulary) {
  options_.top_logprobs = 512;
  options_.max_tokens = 3;
  for (const TokenLogprobs& position : run().logprobs) {
    double total = 0;
    for (const auto& entry : position.top) total += std::exp(double{entry.logprob});
    EXPECT_NEAR(total, 1, 1e-4);
    EXPECT_EQ(position.top.front().token, position.chosen.token);  // greedy
  }
}

TEST_F(Generate, CancelledAnswersEndNormally) {
  std::atomic<bool> cancel = false;
  runtime::Session session = model_->session();
  options_.max_tokens = 50;
  int pieces = 0;
  const auto result = generate(
      *model_, session, prompt_, options_, clock_,
      [&](std::string_view) { cancel = ++pieces == 3; }, &cancel);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->reason, StopReason::Cancelled);
  EXPECT_LT(result->tokens.size(), 50u);
}

TEST_F(Generate, RefusesNothingAtAll) {
  runtime::Session session = model_->session();
  const auto result = generate(*model_, session, {}, options_, clock_);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::InvalidArgument);
  options_.max_tokens = 0;
  EXPECT_TRUE(run().tokens.empty());
}

// The tokens as far as the model's choice is clear: a cache of f16 moves log-probabilities by some
// 2e-4, so a peer whose sums round otherwise may take the second of two that are closer than that.
size_t clear_choices(const Generation& result, const std::vector<int32_t>& peer, double noise) {
  const auto differ = std::ranges::mismatch(result.tokens, peer);
  const auto at = static_cast<size_t>(differ.in1 - result.tokens.begin());
  if (at == result.tokens.size()) return at;
  const auto& top = result.logprobs[at].top;
  const bool is_tie = top[1].token == *differ.in2 && top[0].logprob - top[1].logprob < noise;
  return is_tie ? at : result.tokens.size();
}

// The shipped model, whose activations both programs round to 8 bits: sums in another order may
// move a log-probability by some hundredths, and choices that are closer than that may differ.
TEST(GenerateShipped, GreedyTokensEqualThoseCapturedFromLlamaCpp) {
  ThreadPool pool(1);
  const SystemClock clock;
  model::LoadOptions load;
  load.kv_dtype = DType::F32;
  const auto model = test::load_model(test::source_file("models/verge-lm.gguf"), pool, load);
  ASSERT_NE(model, nullptr);
  size_t agreed = 0;
  for (const CapturedAnswer& captured : kCapturedAnswers) {
    AnswerOptions options;
    options.max_tokens = 200;
    options.ignore_end = true;
    options.sampling.temperature = 0;
    options.top_logprobs = 2;
    runtime::Session session = model->session();
    const auto result =
        generate(*model, session, model->tokenizer().encode(captured.prompt), options, clock);
    ASSERT_TRUE(result.ok()) << result.error().message;
    const std::vector<int32_t> peer(captured.tokens.begin(), captured.tokens.end());
    const size_t count = clear_choices(*result, peer, 0.02);
    EXPECT_TRUE(std::equal(peer.begin(), peer.begin() + count, result->tokens.begin()))
        << captured.prompt;
    agreed += count;
  }
  EXPECT_GE(agreed, 600u) << "of 800";
}

// The published model of 260 thousand parameters, with caches of f16 and f32.
TEST(GenerateStories, GreedyTokensEqualLlamaCpp) {
  const std::string path = test::shared_data("models/stories260K.gguf");
  if (path.empty()) GTEST_SKIP() << "stories260K.gguf is absent: set VERGE_SHARED_DATA";
  if (llama_peer().empty()) GTEST_SKIP() << llama_peer_missing();
  ThreadPool pool(1);
  const SystemClock clock;
  for (const char* kv : {"f16", "f32"}) {
    model::LoadOptions load;
    load.kv_dtype = kv == std::string("f32") ? DType::F32 : DType::F16;
    const auto model = test::load_model(path, pool, load);
    for (const char* text : {"Once upon a time", "Lily and Ben", "The dog said: no!", "A"}) {
      const auto answer = nlohmann::json::parse(ask_llama_peer(
          fmt::format("generate {} -p '{}' -n 200 --ignore-eos --kv {} --flash off --threads 1",
                      path, text, kv)));
      AnswerOptions options;
      options.max_tokens = 200;
      options.ignore_end = true;
      options.sampling.temperature = 0;
      options.top_logprobs = 2;
      runtime::Session session = model->session();
      const std::vector<int32_t> prompt = model->tokenizer().encode(text);
      EXPECT_EQ(prompt, answer["prompt"].get<std::vector<int32_t>>());
      const auto result = generate(*model, session, prompt, options, clock);
      ASSERT_TRUE(result.ok()) << result.error().message;
      auto peer = answer["tokens"].get<std::vector<int32_t>>();
      const double noise = load.kv_dtype == DType::F32 ? 0 : 5e-4;
      const size_t count = clear_choices(*result, peer, noise);
      EXPECT_GE(count, 100u) << text << " " << kv;
      peer.resize(count);
      EXPECT_EQ(std::vector(result->tokens.begin(), result->tokens.begin() + count), peer)
          << text << " " << kv;
    }
  }
}

}  // namespace
}  // namespace verge::serve
