#pragma once
// BatchItem: one task's part in a step: which tokens it runs, and of which it wants rows.

#include <span>
#include <vector>

#include <verge/stages/serve/scheduler/task.hpp>
#include <verge/stages/serve/speculation/draft.hpp>

namespace verge::serve {

struct BatchItem {
  Task* task = nullptr;
  int64_t tokens = 0;  // of task->feed
  int64_t drafts = 0;  // that may follow them
  bool ends = false;   // with the last token of task->feed
  bool draws = false;  // the next token of the answer
  Draft draft = {};
  std::vector<int32_t> input = {};  // the tokens and the draft, where there is one
  int64_t kept = 0;                 // of the draft

  /// Rows of logits, or of hidden states where the task runs on those.
  int64_t rows() const {
    if (task->wants_all_rows()) return tokens;
    return ends ? drawn_rows() : 0;
  }
  /// The last of them, from which tokens of the answer are drawn.
  int64_t drawn_rows() const { return 1 + static_cast<int64_t>(draft.tokens.size()); }
  /// What is run.
  std::span<const int32_t> run() const {
    if (!input.empty()) return input;
    return std::span<const int32_t>(task->feed)
        .subspan(static_cast<size_t>(task->length()), static_cast<size_t>(tokens));
  }
  void take_draft(Draft made);
  void drop_draft() { draft = {}, input.clear(); }
};

}  // namespace verge::serve
