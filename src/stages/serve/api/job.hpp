#pragma once
// Job: one client's request while it is answered: its choices in the scheduler, its protocol, its
// connection. Sinks of it run on the engine's thread, hang-ups on the server's, revocations on the
// housekeeper's.
//
//   auto job = std::make_shared<Job>(scheduler, std::move(setup), writer);
//   job->submit(std::move(requests));     // one for each choice
//
// The answer begins with the first piece, so that what fails before is a plain HTTP error.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <verge/platform/http/response_writer.hpp>
#include <verge/stages/serve/api/access/gate.hpp>
#include <verge/stages/serve/api/answer_renderer.hpp>
#include <verge/stages/serve/api/generation_request.hpp>
#include <verge/stages/serve/api/reasoning.hpp>
#include <verge/stages/serve/scheduler/scheduler.hpp>

namespace verge::serve::api {

/// How errors look before an answer has begun.
using ErrorShape = std::function<http::Response(const ApiError&, std::string_view request_id)>;

struct JobSetup {
  std::string request_id;
  std::unique_ptr<AnswerRenderer> renderer;
  bool stream = false;
  size_t choices_per_prompt = 1;
  bool with_logprobs = false;
  LengthLimit length_limit = LengthLimit::MaxTokens;
  ToolUse tools = {};
  ToolCallOptions calls = {};
  std::optional<ReasoningTags> reasoning = {};  // where it is told from the answer
  bool show_reasoning = true;
  double timeout_s = 0;        // 0: none
  http::Headers headers = {};  // of the answer
  ErrorShape error_shape;
  std::string key_id = {};  // whose revocation ends it
  /// Once, when all is over; tokens of prompts and answers that were used.
  std::function<void(int64_t used_tokens)> on_over = {};
};

/// A request in progress, of whatever kind, that the revocation of its key ends. Any thread.
class Revocable {
 public:
  virtual ~Revocable() = default;
  virtual const std::string& key_id() const = 0;
  /// Ends it from outside: the client reads `why`.
  virtual void abort(ApiError why) = 0;
};

class Job : public Revocable, public std::enable_shared_from_this<Job> {
 public:
  Job(Scheduler& scheduler, JobSetup setup, http::ResponseWriter writer);

  /// Hands every choice to the scheduler, and watches the connection. A refusal ends the job with
  /// its error.
  /// `begun_reasoning`: the prompt has opened a block of reasoning.
  void submit(std::vector<Request> requests, bool begun_reasoning = false);
  void abort(ApiError why) override;
  const std::string& key_id() const override { return setup_.key_id; }

 private:
  class Sink;
  struct Slot {
    Choice choice;
    std::unique_ptr<ReasoningReader> reasoning;
    std::unique_ptr<ToolCallReader> calls;
    std::vector<TokenOrigin> origins = {};  // of tokens whose text is held back
    bool begun = false;
    bool ended = false;
  };

  void make_slots(size_t count, bool begun_reasoning);

  // On the engine's thread.
  void on_prompt(size_t index, std::span<const TokenLogprobs> scores);
  void on_piece(size_t index, const Piece& piece);
  void on_end(size_t index, const End& end);
  void add(size_t index, Delta delta);
  void tell_apart(Slot& slot, std::string_view text, bool is_last, Delta& delta) const;
  void start_stream();
  void finish();
  ApiError reason_of(const End& end) const;

  void cancel_all();
  void answer_error(const ApiError& error);
  void choice_is_over(const Usage& usage, bool prompt_counts);

  Scheduler& scheduler_;
  JobSetup setup_;
  http::ResponseWriter writer_;
  std::vector<Slot> slots_;  // the engine's thread alone, after submit()
  std::atomic<bool> streaming_{false};
  std::atomic<bool> answered_{false};  // the client has its end, or is gone
  std::atomic<size_t> open_{0};        // choices that have not ended
  std::atomic<int64_t> used_tokens_{0};

  std::mutex mutex_;
  std::vector<RequestId> ids_;
  bool cancelled_ = false;
  std::optional<ApiError> abort_reason_;
};

}  // namespace verge::serve::api
