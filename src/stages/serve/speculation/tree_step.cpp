#include <algorithm>

#include <verge/stages/serve/speculation/tree_step.hpp>
#include <verge/stages/serve/speculation/verify.hpp>

namespace verge::serve {

TreeStep::TreeStep(runtime::Sequence& sequence, int32_t newest, const DraftTree& tree)
    : sequence_(sequence), tree_(tree), length_(sequence.length()) {
  places_.resize(tree.nodes().size() + 1);
  paths_.push_back({{newest}});
  places_[0] = {0, 0};
  lay_out(kTreeRoot, 0);
  int64_t first = 0;
  for (size_t path = 0; path < paths_.size(); ++path) {
    for (Place& place : places_) {
      if (place.path == path) place.row += first;
    }
    first += static_cast<int64_t>(paths_[path].tokens.size());
  }
}

// The first child goes on with its parent's path, each other one begins its own.
void TreeStep::lay_out(int32_t node, size_t path) {
  bool is_first = true;
  for (int32_t i = 0; i < tree_.size(); ++i) {
    if (tree_.nodes()[static_cast<size_t>(i)].parent != node) continue;
    const size_t own = is_first ? path : paths_.size();
    if (!is_first) paths_.push_back({{}, static_cast<int32_t>(path), tree_.depth(node) + 1});
    is_first = false;
    std::vector<int32_t>& tokens = paths_[own].tokens;
    place(i) = {own, static_cast<int64_t>(tokens.size())};
    tokens.push_back(tree_.nodes()[static_cast<size_t>(i)].token);
    lay_out(i, own);
  }
}

Status TreeStep::run(int32_t adapter, const std::atomic<bool>* cancel) {
  forks_.reserve(paths_.size());
  std::vector<runtime::StepItem> items;
  for (const Path& path : paths_) {
    runtime::Sequence* sequence = &sequence_;
    if (!items.empty()) {
      VERGE_TRY(runtime::Sequence fork, sequence_.fork());
      sequence = &forks_.emplace_back(std::move(fork));
    }
    items.push_back({.sequence = sequence,
                     .tokens = path.tokens,
                     .outputs = static_cast<int64_t>(path.tokens.size()),
                     .adapter = adapter,
                     .branch_of = path.branch_of,
                     .branch_at = path.branch_at});
  }
  return runtime::run_step(sequence_.decoder(), items, cancel);
}

Result<DrawnPath> TreeStep::verify(Answer& answer) {
  DrawnPath drawn;
  int32_t node = kTreeRoot;
  for (;;) {
    VERGE_TRY(Piece piece, answer.draw(runtime::step_logits(sequence_.decoder(), place(node).row)));
    const int32_t next = piece.tokens.empty() ? kTreeRoot : tree_.child(node, piece.tokens.back());
    append(drawn.piece, std::move(piece));
    if (next != kTreeRoot) drawn.nodes.push_back(next);
    if (answer.reason() || next == kTreeRoot) break;
    node = next;
  }
  const size_t path = place(node).path;
  if (path > 0) sequence_ = std::move(forks_[path - 1]);
  forks_.clear();
  sequence_.truncate(length_ + 1 + tree_.depth(node));
  return drawn;
}

void fit_tree(DraftTree& tree, const runtime::Sequence& sequence) {
  const runtime::Decoder& decoder = sequence.decoder();
  const int64_t length = sequence.length(), shared = length / decoder.page_tokens;
  const auto fits = [&] {
    int64_t paths = 0, growth = 0;
    int64_t pages = length % decoder.page_tokens > 0 ? -1 : 0;  // which the first path has
    for (const int32_t leaf : tree.leaves()) {
      const int64_t tokens = tree.depth(leaf) + 1;
      pages += (length + tokens + decoder.page_tokens - 1) / decoder.page_tokens - shared;
      growth += tokens;
      ++paths;
    }
    return paths <= decoder.max_sequences && growth <= decoder.max_tokens &&
           pages <= decoder.pool.free_pages();
  };
  tree.keep_best(std::min(decoder.max_outputs, decoder.max_tokens) - 1);
  while (!tree.empty() && !fits()) tree.keep_best(tree.size() - 1);
}

}  // namespace verge::serve
