#pragma once
// What is asked of the scheduler, and where the answer goes.
//
//   struct Printer : AnswerSink {
//     void on_piece(const Piece& piece) override { queue.push(piece.text); }
//     void on_end(const End& end) override { queue.close(); }
//   };

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/model/embedding.hpp>
#include <verge/stages/serve/generate/answer.hpp>

namespace verge::serve {

using RequestId = uint64_t;

struct Request {
  std::string model = {};    // a name the ModelPool knows
  std::string adapter = {};  // one of the model's, see ServedModel; "": none
  std::vector<int32_t> prompt = {};
  AnswerOptions options = {};
  /// What may be drawn; the answer draws within a clone.
  std::shared_ptr<const text::TokenConstraint> constraint = {};
  /// Set, it asks for one vector of the whole prompt instead of an answer (model::embed). It runs
  /// in chunks beside the others, as prompts do.
  std::optional<model::Pooling> embed = {};
  /// -1: none; k: the log-probabilities of the prompt's tokens and of the k likeliest in the place
  /// of each, which are rows of the steps that the prompt runs in.
  int prompt_logprobs = -1;
  std::string cache_salt = {};  // computed prefixes are shared with requests of the same one alone
  std::string tenant = {};      // who shares fairly; "" is a tenant too
  int priority = 0;             // higher is served first, within -8 to 8
  double deadline_s = 0;        // from submission; 0: none
};

/// What a request has used, whatever became of it.
struct Usage {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  // of the prompt, found computed
  int64_t answer_tokens = 0;
  int64_t draft_tokens = 0;     // guessed ahead
  int64_t accepted_tokens = 0;  // of them, tokens of the answer
  /// Tokens of the answer by where they were made (TokenOrigin::place); of a split model alone.
  std::map<std::string_view, int64_t> places = {};
};

struct Timings {
  double queued_s = 0;               // until its first step
  double prefill_s = 0;              // from its first step until its first token
  double time_to_first_token_s = 0;  // from submission
  double decode_s = 0;               // everything after the first token
  int preemptions = 0;

  /// Mean seconds between two tokens (TPOT); 0 for fewer than two.
  double time_per_output_token_s(int64_t answer_tokens) const {
    return answer_tokens > 1 ? decode_s / static_cast<double>(answer_tokens - 1) : 0;
  }
};

/// The request has its first part in a run of the model.
struct Start {
  RequestId id = 0;
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
};

/// The last that is heard of a request.
struct End {
  RequestId id = 0;
  /// An error ends an answer early: that of loading the model, Cancelled for a deadline that has
  /// passed, Internal for a bug. A cancellation that was asked for is a reason, no error.
  Status status = {};
  StopReason reason = StopReason::Cancelled;
  bool is_overdue = false;  // its deadline has passed
  Usage usage = {};
  Timings timings = {};
};

/// Receives one answer, in order: on_start at most once, pieces, on_end exactly once. Called on the
/// engine's thread, so it must not block: it hands over and returns. One that throws ends its own
/// request and no other.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  virtual void on_start(const Start&) {}
  virtual void on_piece(const Piece& piece) = 0;
  /// Before everything else, of a request that asks for it: one for each token but the first.
  virtual void on_prompt(std::span<const TokenLogprobs>) {}
  /// The vector [d_model] of a request that asks for one, valid during the call.
  virtual void on_embedding(std::span<const float>) {}
  virtual void on_end(const End& end) = 0;
};

}  // namespace verge::serve
