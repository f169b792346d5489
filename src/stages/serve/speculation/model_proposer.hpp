#pragma once
// ModelProposer: a smaller model of the same vocabulary drafts (Leviathan et al. 2023).

#include <verge/engine/model/language_model.hpp>
#include <verge/stages/serve/speculation/proposer.hpp>

namespace verge::serve {

/// A tokenizer, and the file that it is of.
struct NamedVocabulary {
  const std::string& path;
  const text::Tokenizer& tokenizer;
};

/// Whether tokens of the one are tokens of the other. Fails with Conflict, naming both files and
/// the first token that differs.
Status check_same_vocabulary(const NamedVocabulary& target, const NamedVocabulary& draft);

/// Keeps a sequence of its own on the draft model, which may serve several proposers. Without room
/// in its context or its pages it has no guess.
class ModelProposer : public Proposer {
 public:
  /// On a draft model of the same vocabulary (check_same_vocabulary), which must outlive it.
  explicit ModelProposer(runtime::Decoder& decoder) : decoder_(decoder), own_(decoder) {}
  std::string_view name() const override { return "draft"; }

  Status prepare(runtime::Sequence& sequence, const std::atomic<bool>* cancel) override;
  Result<Draft> propose(runtime::Sequence& sequence, int32_t newest, int64_t most,
                        DraftSampler& sampler, const std::atomic<bool>* cancel) override;
  /// Its own sequence goes on along a path of the tree.
  Result<DraftTree> propose_tree(runtime::Sequence& sequence, int32_t newest,
                                 const TreeShape& shape, DraftSampler& sampler,
                                 const std::atomic<bool>* cancel) override;
  /// One run catches up with what the sequences have that their own here do not, as many tokens of
  /// them as a run has; those it has caught up with draft.
  Status propose_all(std::span<DraftJob> jobs, const std::atomic<bool>* cancel) override;

 private:
  size_t keep_common(std::span<const int32_t> tokens);

  runtime::Decoder& decoder_;
  runtime::Sequence own_;
};

}  // namespace verge::serve
