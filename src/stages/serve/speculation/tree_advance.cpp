#include <algorithm>

#include <verge/stages/serve/speculation/tree_advance.hpp>

namespace verge::serve {

TreeAdvance::TreeAdvance(std::unique_ptr<Proposer> proposer, TreeShape shape,
                         SpeculationOptions options, const Clock& clock)
    : proposer_(std::move(proposer)), shape_(shape), options_(options), clock_(clock) {
  VERGE_CHECK(options.draws == DraftDraws::Shared, shape.nodes);
  options_.policy.is_tree = true;
  options_.policy.max_draft = shape.nodes;
  policy_ = start_policy(options_.policy);
}

// How many nodes to draft, and how deep: no path beyond what is exact or of use.
TreeShape TreeAdvance::shape_for(const runtime::Sequence& sequence, const Answer& answer) const {
  const runtime::Decoder& decoder = sequence.decoder();
  TreeShape shape = shape_;
  shape.depth = std::min({shape.depth, most_draft(decoder),
                          useful_drafts(answer, decoder.context - sequence.length())});
  if (shape.depth <= 0) shape.nodes = 0;
  if (!options_.always) shape.nodes = decide_draft(policy_, options_.policy, shape.nodes);
  return shape;
}

Result<DraftTree> TreeAdvance::draft(runtime::Sequence& sequence, const Answer& answer,
                                     const std::atomic<bool>* cancel) {
  const TreeShape shape = shape_for(sequence, answer);
  draft_s_ = 0;
  const bool was_behind = std::exchange(is_behind_, shape.nodes <= 0);
  if (shape.nodes <= 0) return DraftTree();
  const double begin = clock_.seconds();
  if (was_behind) VERGE_RETURN_IF_ERROR(proposer_->prepare(sequence, cancel));
  const double ready = clock_.seconds();
  counts_.seconds += ready - begin;
  Rng unused(0);  // draws are shared
  DraftSampler sampler(answer, DraftDraws::Shared, unused);
  const int32_t newest = answer.tokens().back();
  VERGE_TRY(DraftTree tree, proposer_->propose_tree(sequence, newest, shape, sampler, cancel));
  fit_tree(tree, sequence);
  draft_s_ = clock_.seconds() - ready;
  return tree;
}

void TreeAdvance::count(const DraftTree& tree, const DrawnPath& drawn, double step_s) {
  std::vector<bool> was_drawn(tree.nodes().size());
  for (const int32_t node : drawn.nodes) was_drawn[static_cast<size_t>(node)] = true;
  const int32_t last = drawn.nodes.empty() ? kTreeRoot : drawn.nodes.back();
  const bool is_whole = std::ranges::count(tree.leaves(), last) > 0;
  policy_ =
      observe_tree(std::move(policy_), options_.policy, was_drawn, is_whole, draft_s_, step_s);
  counts_.draft_tokens += tree.size();
  counts_.accepted_tokens += static_cast<int64_t>(drawn.nodes.size());
  counts_.answer_tokens += static_cast<int64_t>(drawn.piece.tokens.size());
  counts_.seconds += draft_s_ + step_s;
  counts_.plain_step_s = policy_.step_s[0];
}

Result<Piece> TreeAdvance::step(runtime::Session& session, Answer& answer,
                                const std::atomic<bool>* cancel) {
  if (answer.tokens().size() == 1) {  // its first step
    proposer_->reset();
    policy_ = fresh_sequence(policy_, options_.policy);
    is_behind_ = true;
  }
  runtime::Sequence& sequence = session.sequence();
  VERGE_TRY(DraftTree tree, draft(sequence, answer, cancel));
  for (;;) {
    const double begin = clock_.seconds();
    TreeStep step(sequence, answer.tokens().back(), tree);
    const Status status = step.run(session.adapter(), cancel);
    if (!status && status.error().code == Code::OutOfMemory && !tree.empty()) {
      tree = {};
      continue;
    }
    VERGE_RETURN_IF_ERROR(status);
    const double step_s = clock_.seconds() - begin;
    VERGE_TRY(DrawnPath drawn, step.verify(answer));
    count(tree, drawn, step_s);
    return std::move(drawn.piece);
  }
}

}  // namespace verge::serve
