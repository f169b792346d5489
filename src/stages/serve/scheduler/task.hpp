#pragma once
// Task: a request on its way through the scheduler: its tokens, its sequence while it runs, and
// where it stands.

#include <memory>
#include <optional>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/engine/runtime/sequence.hpp>
#include <verge/stages/serve/scheduler/model_face.hpp>
#include <verge/stages/serve/scheduler/policy.hpp>
#include <verge/stages/serve/scheduler/snapshot.hpp>
#include <verge/stages/serve/scheduler/spill.hpp>
#include <verge/stages/serve/speculation/draft_policy.hpp>
#include <verge/stages/serve/speculation/proposer.hpp>

namespace verge::serve {

struct Task {
  RequestId id = 0;  // in order of arrival
  Request request;   // without its prompt, which begins `feed`
  std::shared_ptr<AnswerSink> sink = {};
  std::shared_ptr<const ModelFace> face = {};  // whose tokenizer the answer uses
  int32_t adapter = -1;                        // its place in face->adapters
  Answer answer;
  std::vector<int32_t> feed = {};  // prompt and drawn tokens: what its sequence holds or will hold
  std::vector<uint64_t> hashes = {};  // of the prompt's full pages
  Phase phase = Phase::Waiting;
  bool has_ended = false;
  bool is_scored = false;  // its sink has the log-probabilities of its prompt, or wants none
  std::vector<TokenLogprobs> scores = {};  // until then: of the tokens after those run
  bool is_exact = true;  // its prompt has run in chunks that give the bits of the whole
  std::optional<model::PooledState> pooled = {};   // of one that asks for a vector
  std::optional<runtime::Sequence> sequence = {};  // while it runs
  std::unique_ptr<Spill> spill = {};  // of what was put aside; null where it must be computed again
  std::unique_ptr<Proposer> proposer = {};  // of its drafts, while it runs and has some
  DraftHistory drafts = {};                 // empty until it could have had some
  Usage usage;
  int preemptions = 0;
  double submitted_s = 0;
  double begun_s = -1;
  double first_token_s = -1;

  int64_t length() const { return sequence ? sequence->length() : 0; }
  /// Tokens that are run in chunks before anything is drawn.
  int64_t prompt_tokens() const {
    return pooled ? static_cast<int64_t>(feed.size()) : usage.prompt_tokens;
  }
  /// It runs on the plan of hidden states (Decoder::hidden), apart from what needs logits.
  bool runs_hidden() const { return request.embed == model::Pooling::Mean; }
  /// Rows of all tokens of its prompt are wanted, so that none of them may be adopted.
  bool wants_all_rows() const { return !is_scored || runs_hidden(); }
};

/// In order of arrival.
using Tasks = std::vector<std::unique_ptr<Task>>;

/// Checks all that can be known before it runs. Fails with InvalidArgument for options out of range
/// and for what can never fit in the context or the cache, naming the largest that can; NotFound
/// for an adapter that the model does not have.
Result<std::unique_ptr<Task>> make_task(Request request, std::shared_ptr<AnswerSink> sink,
                                        std::shared_ptr<const ModelFace> face);

/// These call the sink. Fail with Internal when it throws: then the task should be finished.
Status begin(Task& task, double now_s);
Status deliver(Task& task, const Piece& piece, double now_s);
/// The vector of one that asks for it, which ends its answer.
Status deliver_vector(Task& task, double now_s);
/// The scores of one that asks for them.
Status deliver_scores(Task& task);
/// Gives back pages and room, and tells the sink and the observer, once. The reason is that of the
/// answer, Cancelled if it has none; one that never began has used nothing.
void finish(Task& task, Status status, double now_s, const EndObserver& observer);

}  // namespace verge::serve
