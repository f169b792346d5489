#pragma once
// TreeStep: a draft tree in one run of the model, and what the answer makes of it.
//
//   TreeStep step(sequence, answer.tokens().back(), tree);
//   VERGE_RETURN_IF_ERROR(step.run(adapter, cancel));
//   VERGE_TRY(DrawnPath drawn, step.verify(answer));
//
// Every node is computed once: a path is an item of the run that branches off an earlier one
// (StepItem::branch_of), with a fork of the sequence for its pages.

#include <atomic>
#include <vector>

#include <verge/engine/runtime/step.hpp>
#include <verge/stages/serve/generate/answer.hpp>
#include <verge/stages/serve/speculation/draft_tree.hpp>

namespace verge::serve {

struct DrawnPath {
  Piece piece;
  std::vector<int32_t> nodes;  // of the tree, that were drawn
};

class TreeStep {
 public:
  /// `sequence`, which must outlive it, has all tokens of the answer but `newest`.
  TreeStep(runtime::Sequence& sequence, int32_t newest, const DraftTree& tree);

  /// Fails as run_step does, and with OutOfMemory where a fork has no page: the sequence is then as
  /// before.
  Status run(int32_t adapter, const std::atomic<bool>* cancel);
  /// Draws along the tree for as long as what is drawn is in it. The sequence then has all tokens
  /// of the answer but the newest, and all other pages have come back. Fails as Answer::draw does.
  Result<DrawnPath> verify(Answer& answer);

 private:
  // Tokens that one item of the run computes.
  struct Path {
    std::vector<int32_t> tokens = {};
    int32_t branch_of = -1;
    int64_t branch_at = 0;
  };
  // Where a node has its logits, and its keys and values.
  struct Place {
    size_t path;
    int64_t row;
  };
  void lay_out(int32_t node, size_t path);
  Place& place(int32_t node) { return places_[static_cast<size_t>(node + 1)]; }

  runtime::Sequence& sequence_;
  DraftTree tree_;
  int64_t length_;  // before the run
  std::vector<Path> paths_;
  std::vector<Place> places_;             // the newest token's first
  std::vector<runtime::Sequence> forks_;  // of the paths after the first
};

/// Cuts a tree after `sequence` and its newest token to what one run has rows, sequences and pages
/// for.
void fit_tree(DraftTree& tree, const runtime::Sequence& sequence);

}  // namespace verge::serve
