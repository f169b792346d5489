#pragma once
// TreeAdvance: what generate() is given to answer with speculation by trees.
//
//   VERGE_TRY(auto proposer, ExitProposer::create(*model));
//   TreeAdvance advance(std::move(proposer), {.nodes = 12}, {}, clock);
//
// The model must be loaded with max_outputs of the nodes and one more, and with max_sequences for
// the paths and kv_tokens for two pages of each; a draft model for TreeShape::width of them.

#include <verge/stages/serve/speculation/speculative_advance.hpp>
#include <verge/stages/serve/speculation/tree_step.hpp>

namespace verge::serve {

/// May serve one answer after another; what it has learnt of times stays. Draws are the answer's
/// own: it is token for token that without drafts.
class TreeAdvance : public DraftingAdvance {
 public:
  TreeAdvance(std::unique_ptr<Proposer> proposer, TreeShape shape, SpeculationOptions options,
              const Clock& clock);

  Result<Piece> step(runtime::Session& session, Answer& answer,
                     const std::atomic<bool>* cancel) override;
  const SpeculationCounts& counts() const override { return counts_; }
  std::string_view proposer() const override { return proposer_->name(); }

 private:
  TreeShape shape_for(const runtime::Sequence& sequence, const Answer& answer) const;
  Result<DraftTree> draft(runtime::Sequence& sequence, const Answer& answer,
                          const std::atomic<bool>* cancel);
  void count(const DraftTree& tree, const DrawnPath& drawn, double step_s);

  std::unique_ptr<Proposer> proposer_;
  TreeShape shape_;
  SpeculationOptions options_;
  const Clock& clock_;
  DraftPolicyState policy_;
  bool is_behind_ = true;  // the proposer, since the last step
  double draft_s_ = 0;
  SpeculationCounts counts_;
};

}  // namespace verge::serve
