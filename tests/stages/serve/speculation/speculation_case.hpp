#pragma once
// A small random model with an exit head, another of its vocabulary, and the proposers on them.

#include <map>

#include <verge/stages/serve/speculation/exit_proposer.hpp>
#include <verge/stages/serve/speculation/model_proposer.hpp>
#include <verge/stages/serve/speculation/ngram_proposer.hpp>
#include <verge/stages/serve/speculation/tree_advance.hpp>

#include "exit_models.hpp"

namespace verge::serve {

/// A copy of a model with the pieces of another one, whose random names are others.
inline std::string with_pieces_of(const std::string& path, const std::string& other) {
  auto source = format::ModelSource::open(other);
  EXPECT_TRUE(source.ok());
  const auto pieces = source->metadata.get_strings("tokenizer.ggml.tokens");
  const std::vector<std::string_view> names(pieces->begin(), pieces->end());
  return test::rewrite_model(path, "-pieces.gguf", [&](format::Metadata& metadata) {
    metadata.set_strings("tokenizer.ggml.tokens", names);
  });
}

class SpeculationCase : public testing::Test {
 protected:
  void SetUp() override {
    model::LoadOptions load;
    load.context = 128;
    load.max_outputs = 8;
    load.max_sequences = 4;
    load.kv_tokens = kv_tokens_;
    path_ = test::write_model(folder_, test::tiny_spec("tiny-llama"));
    model_ = test::load_model(test::with_exit_heads(path_, {1}), pool_, load);
    auto other = test::tiny_spec("tiny-llama");
    other.seed = 2;
    other.name = "other";
    other_ =
        test::load_model(with_pieces_of(test::write_model(folder_, other), path_), pool_, load);
    ASSERT_NE(model_, nullptr);
    ASSERT_NE(other_, nullptr);
    options_.ignore_end = true;
    options_.max_tokens = 60;
    options_.sampling.temperature = 0;
  }

  /// "ngram", "exits", "other": a model that guesses badly, "self": one that guesses perfectly.
  std::unique_ptr<Proposer> proposer(const std::string& name) {
    if (name == "ngram") return std::make_unique<NgramProposer>();
    if (name == "exits") return std::move(*ExitProposer::create(*model_));
    return std::make_unique<ModelProposer>((name == "self" ? *twin() : *other_).decoder());
  }

  Generation run(Advance* advance, const std::atomic<bool>* cancel = nullptr) {
    runtime::Session session = model_->session();
    auto result = generate(*model_, session, prompt_, options_, clock_, on_text_, cancel, advance);
    EXPECT_TRUE(result.ok()) << result.error().message;
    session_tokens_ = session.tokens();
    return result.ok() ? *result : Generation{};
  }

  Generation run(const std::string& name, SpeculationOptions options,
                 const std::atomic<bool>* cancel = nullptr) {
    SpeculativeAdvance advance(proposer(name), options, clock_);
    Generation result = run(&advance, cancel);
    counts_ = advance.counts();
    return result;
  }

  /// Trees of the shape that the models are loaded for.
  Generation run_tree(const std::string& name, SpeculationOptions options,
                      const std::atomic<bool>* cancel = nullptr) {
    TreeAdvance advance(proposer(name), {.nodes = 7, .depth = 5, .width = 2}, options, clock_);
    Generation result = run(&advance, cancel);
    counts_ = advance.counts();
    return result;
  }

  static SpeculationOptions always(DraftDraws draws = DraftDraws::Shared) {
    SpeculationOptions options;
    options.always = true;
    options.draws = draws;
    return options;
  }

  /// The prompt and the answer but for its newest token.
  std::vector<int32_t> all_but_newest(const Generation& answer) const {
    std::vector<int32_t> all = prompt_;
    all.insert(all.end(), answer.tokens.begin(), answer.tokens.end() - 1);
    return all;
  }

  test::TemporaryFolder folder_;
  std::string path_;  // the model without its exit head
  ThreadPool pool_{1};
  SystemClock clock_;
  std::unique_ptr<model::LanguageModel> model_, other_, twin_;
  std::vector<int32_t> prompt_ = test::random_tokens(10, 512);
  AnswerOptions options_;
  std::function<void(std::string_view)> on_text_;
  SpeculationCounts counts_;
  int64_t kv_tokens_ = 0;
  std::vector<int32_t> session_tokens_;

 private:
  // The model once more: a draft model needs pages of its own.
  model::LanguageModel* twin() {
    if (twin_ == nullptr) {
      model::LoadOptions load;
      load.context = 128;
      load.max_sequences = 4;
      load.kv_tokens = kv_tokens_;
      twin_ = test::load_model(model_->source().path, pool_, load);
    }
    return twin_.get();
  }
};

inline constexpr const char* kProposers[] = {"ngram", "exits", "other", "self"};

}  // namespace verge::serve
