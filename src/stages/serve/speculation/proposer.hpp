#pragma once
// Proposer: guesses how a sequence goes on.
//
//   VERGE_TRY(Draft draft, proposer.propose(sequence, newest, 4, sampler, cancel));

#include <atomic>
#include <span>
#include <string_view>

#include <verge/core/result.hpp>
#include <verge/engine/runtime/sequence.hpp>
#include <verge/stages/serve/speculation/draft.hpp>
#include <verge/stages/serve/speculation/draft_tree.hpp>

namespace verge::serve {

class Proposer;

/// A draft to be made, of one sequence of several.
struct DraftJob {
  Proposer* proposer;           // its own
  runtime::Sequence* sequence;  // see Proposer::propose
  int32_t newest;
  int64_t most;
  DraftSampler* sampler;
  Draft draft = {};

  /// The token after which the next one is drafted.
  const int32_t& last() const { return draft.tokens.empty() ? newest : draft.tokens.back(); }
  bool is_full() const { return static_cast<int64_t>(draft.tokens.size()) >= most; }
};

/// Drafts a token after each row of logits of the last run, one for each job in their order; keeps
/// the jobs whose drafts go on.
void extend_drafts(std::vector<DraftJob*>& jobs, const runtime::Decoder& decoder);

/// Belongs to one sequence and to the thread of its decoder. What it is called with begins with
/// what it was called with before, until reset. All calls leave the sequence as it was.
class Proposer {
 public:
  virtual ~Proposer() = default;
  virtual std::string_view name() const = 0;

  /// The next sequence may be another one.
  virtual void reset() {}

  /// Catches up with a sequence that has grown without it, so that the price of a draft is not that
  /// of the tokens before it. Fails with Cancelled.
  virtual Status prepare(runtime::Sequence& sequence, const std::atomic<bool>* cancel) = 0;

  /// At most `most` tokens that may follow `newest`, which the answer has drawn and the sequence
  /// does not have yet; fewer or none where it has no guess or no room. Fails with Cancelled.
  virtual Result<Draft> propose(runtime::Sequence& sequence, int32_t newest, int64_t most,
                                DraftSampler& sampler, const std::atomic<bool>* cancel) = 0;

  /// The same as a tree of at most that shape, likeliest nodes first; by default of one path.
  virtual Result<DraftTree> propose_tree(runtime::Sequence& sequence, int32_t newest,
                                         const TreeShape& shape, DraftSampler& sampler,
                                         const std::atomic<bool>* cancel);

  /// The same as propose for several sequences of one decoder, whose proposers are of this one's
  /// kind and on the same models: they run together, a round for each depth. One that is far behind
  /// may have no draft yet. Fails with Cancelled; drafts are then cut short.
  virtual Status propose_all(std::span<DraftJob> jobs, const std::atomic<bool>* cancel);
};

}  // namespace verge::serve
