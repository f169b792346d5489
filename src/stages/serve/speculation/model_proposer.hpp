#pragma once
// ModelProposer: a smaller model of the same vocabulary drafts (Leviathan et al. 2023).

#include <verge/engine/model/language_model.hpp>
#include <verge/stages/serve/speculation/proposer.hpp>

namespace verge::serve {

/// Whether tokens of the one are tokens of the other. Fails with Conflict, naming both files and
/// the first token that differs.
Status check_same_vocabulary(const model::LanguageModel& target, const model::LanguageModel& draft);

/// Keeps a sequence of its own on the draft model, which may serve several proposers. Without room
/// in its context or its pages it has no guess.
class ModelProposer : public Proposer {
 public:
  /// Fails as check_same_vocabulary does. The draft model must outlive it.
  static Result<std::unique_ptr<ModelProposer>> create(const model::LanguageModel& target,
                                                       model::LanguageModel& draft);
  std::string_view name() const override { return "draft"; }

  Status prepare(runtime::Sequence& sequence, const std::atomic<bool>* cancel) override;
  Result<Draft> propose(runtime::Sequence& sequence, int32_t newest, int64_t most,
                        DraftSampler& sampler, const std::atomic<bool>* cancel) override;

 private:
  explicit ModelProposer(runtime::Decoder& decoder) : decoder_(decoder), own_(decoder) {}

  Status catch_up(std::span<const int32_t> tokens, const std::atomic<bool>* cancel);

  runtime::Decoder& decoder_;
  runtime::Sequence own_;
};

}  // namespace verge::serve
