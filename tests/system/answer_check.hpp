#pragma once
// Whether every token of a split model's answer is the one that its place owes after the text
// before it: the whole model's where the cloud made it, the edge's exit's else. Both are run again
// here, token by token; a token that was lost or doubled changes what all later ones owe.

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/cli/collab_model.hpp>
#include <verge/engine/text/detokenizer.hpp>
#include <verge/stages/serve/collab/edge_layers.hpp>

namespace verge::test_system {

inline int32_t likeliest(std::span<const float> logits) {
  return static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
}

struct PlaceCounts {
  int exit1 = 0, exit2 = 0, cloud = 0, degraded = 0, wrong = 0;
  int all() const { return exit1 + exit2 + cloud + degraded; }
};

/// Both ends of a model with two early exits, loaded as `verge run` and `verge node start` do.
class AnswerCheck {
 public:
  AnswerCheck(const std::string& whole, const std::string& prompt) {
    model::LoadOptions options;
    auto loaded = model::LanguageModel::load(whole, options, pool_);
    EXPECT_TRUE(loaded.ok()) << loaded.error().message;
    whole_ = std::move(*loaded);
    options.max_sequences = kPending;
    auto part = cli::load_collab(whole, cli::CollabEnd::Device, options, pool_);
    EXPECT_TRUE(part.ok()) << part.error().message;
    edge_ = std::move(*part);
    prompt_ = edge_.model->tokenizer().encode(prompt, {});
  }

  /// Of the JSON of `verge run --cloud`; a failure for each token that is not what it should be.
  PlaceCounts check(const nlohmann::json& answer) {
    PlaceCounts counts;
    runtime::Session whole = whole_->session();
    auto edge =
        serve::EdgeLayers::create(*edge_.model, edge_.split.exit1, edge_.split.exit2, kPending);
    EXPECT_TRUE(edge.ok()) << edge.error().message;
    EXPECT_TRUE(whole.append(prompt_).ok());
    EXPECT_TRUE(edge->append(prompt_, [](const auto&) {}).ok());
    std::vector<int32_t> ids;
    text::Detokenizer words(edge_.model->tokenizer(), {.starts_text = false});
    std::string said;
    for (const auto& token : answer.value("tokens", nlohmann::json::array())) {
      const int32_t id = token["token"];
      const std::string place = token["place"];
      const int32_t first = likeliest(edge->exit1_logits());
      if (!ids.empty()) {
        EXPECT_TRUE(edge->flush().ok());
      }
      const int32_t owed = place == "exit1"   ? first
                           : place == "cloud" ? likeliest(whole.logits())
                                              : likeliest(edge->exit2_logits());
      EXPECT_EQ(id, owed) << place << " " << ids.size();
      counts.wrong += id != owed ? 1 : 0;
      ++(place == "exit1"   ? counts.exit1
         : place == "exit2" ? counts.exit2
         : place == "cloud" ? counts.cloud
                            : counts.degraded);
      EXPECT_TRUE(whole.append({&id, 1}).ok());
      EXPECT_TRUE(edge->step(id).ok());
      ids.push_back(id);
      said += words.push(id);
    }
    EXPECT_EQ(answer.value("text", ""), said + words.flush());
    return counts;
  }

 private:
  static constexpr int64_t kPending = 32;  // as `verge run` has it

  ThreadPool pool_{1};
  std::unique_ptr<model::LanguageModel> whole_;
  cli::CollabModel edge_;
  std::vector<int32_t> prompt_;
};

/// The reasons of an answer's tokens, in their order.
inline std::vector<std::string> reasons_of(const nlohmann::json& answer) {
  std::vector<std::string> reasons;
  for (const auto& token : answer.value("tokens", nlohmann::json::array())) {
    reasons.push_back(token["reason"]);
  }
  return reasons;
}

}  // namespace verge::test_system
