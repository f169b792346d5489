#pragma once
// ExitProposer: the model's own first layers and the exit head after them draft, with its weights
// and its pages: a draft costs no memory but activations (LayerSkip, Elhoushi et al. 2024).

#include <verge/engine/model/language_model.hpp>
#include <verge/stages/serve/speculation/proposer.hpp>

namespace verge::serve {

/// Keys and values that a draft writes lie behind the sequence's end; the run that verifies them
/// writes the same again. Without room it has no guess. Adapters do not change its guesses.
class ExitProposer : public Proposer {
 public:
  /// Drafts by the head after `layers` layers; 0: after the fewest that have one. Fails with
  /// Unsupported where the model has no such head.
  static Result<std::unique_ptr<ExitProposer>> create(model::LanguageModel& model,
                                                      int64_t layers = 0);
  std::string_view name() const override { return "exits"; }

  Status prepare(runtime::Sequence& sequence, const std::atomic<bool>* cancel) override;
  Result<Draft> propose(runtime::Sequence& sequence, int32_t newest, int64_t most,
                        DraftSampler& sampler, const std::atomic<bool>* cancel) override;
  Result<DraftTree> propose_tree(runtime::Sequence& sequence, int32_t newest,
                                 const TreeShape& shape, DraftSampler& sampler,
                                 const std::atomic<bool>* cancel) override;
  Status propose_all(std::span<DraftJob> jobs, const std::atomic<bool>* cancel) override;

 private:
  explicit ExitProposer(runtime::LayerPlans& layers) : layers_(layers) {}

  runtime::LayerPlans& layers_;
};

}  // namespace verge::serve
