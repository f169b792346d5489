// Answers with speculation beside those without, token for token and bit for bit, on models that
// have learnt something.

#include <cstring>
#include <span>

#include "paths.hpp"
#include "sanitized.hpp"
#include "shared_data.hpp"
#include "speculation_case.hpp"

namespace verge::serve {
namespace {

constexpr const char* kPrompts[] = {
    "In the beginning",
    "And God said",
    "Once upon a time",
    "The Lord is my shepherd",
    "And he said unto them,",
    "Now these are the names of the children of",
    "Blessed are the",
    "And it came to pass",
    "Lily and Ben",
    "The king",
    "A",
    "Woe unto you",
    "Let us go up to",
    "In those days there was no",
    "and the sons of Aaron, and the sons of Aaron, and the sons",
    "one two three one two three one two",
    "What is man, that thou",
    "She was very happy",
    "He that hath an ear",
    "12:3 And 12:4",
};

struct SpeculatedModel {
  const char* file;
  bool has_exits;
};

class SpeculationIdentity : public testing::TestWithParam<SpeculatedModel> {
 protected:
  void SetUp() override {
    const std::string path = std::string(GetParam().file).starts_with("models/verge")
                                 ? test::source_file(GetParam().file)
                                 : test::shared_data(GetParam().file);
    if (path.empty()) GTEST_SKIP() << GetParam().file << " is absent: set VERGE_SHARED_DATA";
    model::LoadOptions load;
    load.context = 128;
    load.max_sequences = 8;
    load.kv_tokens = 128 + 7 * 64;
    draft_ = test::load_model(path, pool_, load);
    load.max_outputs = 17;
    model_ = test::load_model(path, pool_, load);
    ASSERT_NE(model_, nullptr);
    options_.max_tokens = 30;
    options_.ignore_end = true;
    options_.top_logprobs = 0;
  }

  Generation answer(const char* prompt, Advance* advance) {
    runtime::Session session = model_->session();
    auto result = generate(*model_, session, model_->tokenizer().encode(prompt), options_, clock_,
                           {}, nullptr, advance);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.ok() ? *result : Generation{};
  }

  std::vector<std::unique_ptr<Proposer>> proposers() {
    std::vector<std::unique_ptr<Proposer>> all;
    all.push_back(std::make_unique<NgramProposer>());
    all.push_back(std::make_unique<ModelProposer>(draft_->decoder()));
    if (!GetParam().has_exits) return all;
    for (const int64_t layers : model_->config().exit_layers) {
      all.push_back(std::move(*ExitProposer::create(*model_, layers)));
    }
    return all;
  }

  std::vector<std::unique_ptr<DraftingAdvance>> advances() {
    SpeculationOptions options;
    options.always = true;
    options.policy.max_draft = 16;
    std::vector<std::unique_ptr<DraftingAdvance>> all;
    for (auto& proposer : proposers()) {
      all.push_back(std::make_unique<SpeculativeAdvance>(std::move(proposer), options, clock_));
    }
    for (auto& proposer : proposers()) {
      all.push_back(
          std::make_unique<TreeAdvance>(std::move(proposer), TreeShape{}, options, clock_));
    }
    return all;
  }

  ThreadPool pool_{1};
  SystemClock clock_;
  std::unique_ptr<model::LanguageModel> model_, draft_;
  AnswerOptions options_;
};

TEST_P(SpeculationIdentity, OfTokensAndLogprobs) {
  const auto all = advances();
  EXPECT_EQ(all.size(), GetParam().has_exits ? 8u : 4u);
  const size_t count = test::kSanitized ? 3 : std::size(kPrompts);
  for (const char* prompt : std::span(kPrompts).first(count)) {
    for (const float temperature : {0.0f, 0.8f}) {
      options_.sampling.temperature = temperature;
      const Generation plain = answer(prompt, nullptr);
      for (const auto& advance : all) {
        const Generation found = answer(prompt, advance.get());
        ASSERT_EQ(found.tokens, plain.tokens) << prompt << " " << advance->proposer();
        for (size_t i = 0; i < plain.logprobs.size(); ++i) {
          ASSERT_EQ(found.logprobs[i].chosen.logprob, plain.logprobs[i].chosen.logprob)
              << prompt << " " << advance->proposer() << " " << i;
        }
      }
    }
  }
  for (const auto& advance : all) EXPECT_GT(advance->counts().accepted_tokens, 0);
  EXPECT_EQ(all[1]->counts().acceptance_rate(), 1);  // the model is its own draft model
}

INSTANTIATE_TEST_SUITE_P(Models, SpeculationIdentity,
                         testing::Values(SpeculatedModel{"models/verge-lm.gguf", true},
                                         SpeculatedModel{"models/stories260K.gguf", false}),
                         [](const auto& info) {
                           return std::string(info.param.has_exits ? "VergeLm" : "Stories");
                         });

}  // namespace
}  // namespace verge::serve
