#include <fstream>

#include <gtest/gtest.h>

#include <verge/stages/serve/generate/generate.hpp>
#include <verge/stages/serve/generate/prompt_cache.hpp>

#include "small_disk.hpp"
#include "tiny_models.hpp"

namespace verge::serve {
namespace {

class PromptCache : public testing::Test {
 protected:
  void SetUp() override {
    model_ = load("tiny-llama");
    ASSERT_GT(kLong, 2 * model_->decoder().min_chunk);
    options_.ignore_end = true;
    options_.max_tokens = 8;
    options_.sampling.temperature = 0;
    options_.sampling.repetition_penalty = 1.3f;
    options_.top_logprobs = 4;
  }
  std::unique_ptr<model::LanguageModel> load(const char* shape, DType kv = DType::F16) {
    model::LoadOptions options;
    options.context = 256;
    options.kv_dtype = kv;
    return test::load_model(test::write_model(folder_, test::tiny_spec(shape)), pool_, options);
  }

  // Answers, keeps the prompt, and says how many of its tokens had to be run.
  int64_t run(std::span<const int32_t> prompt, Generation* answer = nullptr) {
    auto cached = restore_prompt(model_->decoder(), -1, path_, prompt);
    EXPECT_TRUE(cached) << cached.error().message;
    complaint_ = cached->complaint;
    whole_ = cached->whole;
    const auto kept = static_cast<size_t>(cached->session.length());
    auto result = generate(*model_, cached->session, prompt.subspan(kept), options_, SystemClock());
    EXPECT_TRUE(result) << result.error().message;
    if (!cached->whole) {
      const auto length = static_cast<int64_t>(prompt.size());
      EXPECT_TRUE(save_prompt(cached->session, length, path_));
    }
    if (answer != nullptr) *answer = *result;
    return result->prompt_tokens;
  }

  void expect_same(const Generation& got, const std::vector<int32_t>& prompt) {
    runtime::Session session = model_->session();
    const Generation plain = *generate(*model_, session, prompt, options_, SystemClock());
    EXPECT_EQ(got.tokens, plain.tokens);
    for (size_t i = 0; i < plain.logprobs.size(); ++i) {
      for (size_t k = 0; k < plain.logprobs[i].top.size(); ++k) {  // to the last bit
        EXPECT_EQ(got.logprobs[i].top[k].logprob, plain.logprobs[i].top[k].logprob) << i;
      }
    }
  }

  static constexpr int kLong = 120;
  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  std::unique_ptr<model::LanguageModel> model_;
  AnswerOptions options_;
  std::string path_ = folder_ / "prompt.kv", complaint_;
  bool whole_ = false;
};

TEST_F(PromptCache, TheSamePromptRunsItsEndAloneAndAnswersTheSame) {
  const std::vector<int32_t> prompt = test::random_tokens(kLong, 512);
  EXPECT_EQ(run(prompt), kLong);
  EXPECT_FALSE(whole_);
  Generation again;
  EXPECT_EQ(run(prompt, &again), model_->decoder().min_chunk);
  expect_same(again, prompt);
  EXPECT_TRUE(whole_) << "there is nothing to save";
}

TEST_F(PromptCache, TheLongestCommonBeginningIsKept) {
  const std::vector<int32_t> prompt = test::random_tokens(kLong, 512);
  std::vector<int32_t> longer = prompt, other = prompt;
  const auto more = test::random_tokens(30, 512, 9);
  longer.insert(longer.end(), more.begin(), more.end());
  other[70] = other[70] == 3 ? 4 : 3;
  EXPECT_EQ(run(prompt), kLong);
  Generation answer;
  EXPECT_EQ(run(longer, &answer), 31);
  expect_same(answer, longer);
  EXPECT_EQ(run(other, &answer), kLong - 70);
  expect_same(answer, other);
  const std::vector<int32_t> none = test::random_tokens(50, 512, 11);
  EXPECT_EQ(run(none, &answer), 50);
  expect_same(answer, none);
}

TEST_F(PromptCache, PromptsTooShortForWholePiecesAreRunWhole) {
  const std::vector<int32_t> prompt = test::random_tokens(kLong, 512);
  const std::vector<int32_t> begin(prompt.begin(), prompt.begin() + 2);
  Generation answer;
  EXPECT_EQ(run(begin), 2);
  EXPECT_EQ(run(begin, &answer), 2);
  expect_same(answer, begin);
  EXPECT_EQ(run(prompt, &answer), kLong);
  expect_same(answer, prompt);
}

TEST_F(PromptCache, ADamagedFileIsComputedAgainAndAnothersIsRefused) {
  const std::vector<int32_t> prompt = test::random_tokens(kLong, 512);
  run(prompt);
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(200).put('\x55').put('\x2a');
  }
  EXPECT_EQ(run(prompt), kLong);
  EXPECT_NE(complaint_.find(path_), std::string::npos) << complaint_;
  EXPECT_NE(complaint_.find("computed again"), std::string::npos) << complaint_;
  EXPECT_LT(run(prompt), kLong) << "the damaged file has been replaced";
  for (const auto& other : {load("tiny-qwen2"), load("tiny-llama", DType::F32)}) {
    const auto refused = restore_prompt(other->decoder(), -1, path_, prompt);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Conflict);
    EXPECT_NE(refused.error().message.find("another file"), std::string::npos);
  }
}

TEST_F(PromptCache, AFullDiskLeavesWhatWasThere) {
  const std::vector<int32_t> prompt = test::random_tokens(kLong, 512);
  run(prompt);
  {
    runtime::Session session = model_->session();
    ASSERT_TRUE(session.append(test::random_tokens(kLong, 512, 3)));
    const test::SmallDisk full(1000);
    EXPECT_EQ(save_prompt(session, kLong, path_).error().code, Code::Io);
  }
  EXPECT_LT(run(prompt), kLong);
  EXPECT_EQ(complaint_, "");
}

}  // namespace
}  // namespace verge::serve
