#include <algorithm>
#include <iterator>
#include <utility>

#include <verge/stages/serve/api/job.hpp>

namespace verge::serve::api {

class Job::Sink : public AnswerSink {
 public:
  Sink(std::shared_ptr<Job> job, size_t index) : job_(std::move(job)), index_(index) {}
  void on_prompt(std::span<const TokenLogprobs> scores) override {
    job_->on_prompt(index_, scores);
  }
  void on_piece(const Piece& piece) override { job_->on_piece(index_, piece); }
  void on_end(const End& end) override { job_->on_end(index_, end); }

 private:
  std::shared_ptr<Job> job_;
  size_t index_;
};

Job::Job(Scheduler& scheduler, JobSetup setup, http::ResponseWriter writer)
    : scheduler_(scheduler), setup_(std::move(setup)), writer_(std::move(writer)) {}

void Job::make_slots(size_t count, bool begun_reasoning) {
  std::vector<std::string> names;
  for (const Tool& tool : setup_.tools.tools) names.push_back(tool.name);
  slots_.resize(count);
  for (Slot& slot : slots_) {
    slot.choice.with_logprobs = setup_.with_logprobs;
    slot.choice.length_limit = setup_.length_limit;
    if (setup_.reasoning) {
      slot.reasoning = std::make_unique<ReasoningReader>(*setup_.reasoning, begun_reasoning);
    }
    if (!setup_.tools.is_possible()) continue;
    slot.calls = std::make_unique<ToolCallReader>(names, setup_.calls);
  }
}

void Job::submit(std::vector<Request> requests, bool begun_reasoning) {
  make_slots(requests.size(), begun_reasoning);
  open_ = requests.size();
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto id =
        scheduler_.submit(std::move(requests[i]), std::make_shared<Sink>(shared_from_this(), i));
    if (id) {
      const std::lock_guard lock(mutex_);
      ids_.push_back(*id);
      continue;
    }
    ApiError error = from_error(id.error());
    if (error.status == 429) error.retry_after_s = scheduler_.retry_after_s();
    answer_error(error);
    for (size_t left = i; left < requests.size(); ++left) choice_is_over({}, false);
    cancel_all();
    return;
  }
  writer_.on_close([job = weak_from_this()](http::CloseReason) {
    if (const auto self = job.lock()) {
      self->answered_ = true;
      self->cancel_all();
    }
  });
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    cancelled = cancelled_;
  }
  if (cancelled) cancel_all();  // aborted while it was being handed over
}

void Job::abort(ApiError why) {
  {
    const std::lock_guard lock(mutex_);
    abort_reason_ = std::move(why);
  }
  cancel_all();
}

void Job::cancel_all() {
  std::vector<RequestId> ids;
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    ids = ids_;
  }
  for (const RequestId id : ids) scheduler_.cancel(id);
}

// Of all choices of its prompt: one of them asks.
void Job::on_prompt(size_t index, std::span<const TokenLogprobs> scores) {
  const size_t first = index - index % setup_.choices_per_prompt;
  for (size_t i = first; i < first + setup_.choices_per_prompt; ++i) {
    slots_[i].choice.prompt_logprobs.assign(scores.begin(), scores.end());
  }
}

void Job::on_piece(size_t index, const Piece& piece) {
  if (answered_) return;
  Slot& slot = slots_[index];
  Delta delta{.logprobs = piece.logprobs};
  tell_apart(slot, piece.text, false, delta);
  std::ranges::copy(piece.origins, std::back_inserter(slot.origins));
  if (delta.empty()) return;
  delta.origins = std::exchange(slot.origins, {});
  add(index, std::move(delta));
}

// Reasoning, calls and text of what the model wrote.
void Job::tell_apart(Slot& slot, std::string_view text, bool is_last, Delta& delta) const {
  delta.text = text;
  if (slot.reasoning != nullptr) {
    auto found = slot.reasoning->push(text);
    if (is_last) {
      auto rest = slot.reasoning->finish();
      found.reasoning += rest.reasoning;
      found.text += rest.text;
    }
    if (setup_.show_reasoning) delta.reasoning = std::move(found.reasoning);
    delta.text = std::move(found.text);
  }
  if (slot.calls == nullptr) return;
  auto found = slot.calls->push(delta.text);
  delta.text = std::move(found.text);
  delta.calls = std::move(found.calls);
  if (!is_last) return;
  found = slot.calls->finish();
  delta.text += found.text;
  std::ranges::move(found.calls, std::back_inserter(delta.calls));
}

void Job::add(size_t index, Delta delta) {
  Slot& slot = slots_[index];
  if (setup_.tools.only_one) {
    delta.calls.resize(std::min<size_t>(delta.calls.size(), slot.choice.calls.empty() ? 1 : 0));
  }
  if (setup_.stream) {
    if (!streaming_.exchange(true)) start_stream();
    std::string text;
    if (!std::exchange(slot.begun, true)) text = setup_.renderer->opening(index);
    if (!delta.empty()) text += setup_.renderer->piece(index, delta);
    if (!text.empty()) writer_.write(text);
  }
  Choice& choice = slot.choice;
  for (ToolCall& call : delta.calls) choice.calls.push_back(std::move(call));
  if (setup_.stream) return;  // what is sent is not kept
  choice.text += delta.text;
  choice.reasoning += delta.reasoning;
  std::ranges::move(delta.logprobs, std::back_inserter(choice.logprobs));
  std::ranges::move(delta.origins, std::back_inserter(choice.origins));
}

void Job::start_stream() {
  http::Headers headers = setup_.headers;
  headers.set("Cache-Control", "no-cache");
  headers.set("X-Accel-Buffering", "no");
  http::Response head;
  head.content_type = setup_.renderer->stream_type();
  head.headers = std::move(headers);
  writer_.start(std::move(head));
  if (answered_) writer_.abort();  // another choice was refused at this very moment
}

void Job::on_end(size_t index, const End& end) {
  Slot& slot = slots_[index];
  slot.choice.reason = end.reason;
  slot.choice.usage = end.usage;
  slot.choice.timings = end.timings;
  slot.ended = true;
  const bool whole = end.status.ok() && end.reason != StopReason::Cancelled;
  if (!answered_ && whole) {
    Delta rest;
    tell_apart(slot, {}, true, rest);
    rest.origins = std::exchange(slot.origins, {});
    add(index, std::move(rest));
    if (setup_.stream) writer_.write(setup_.renderer->ending(index, slot.choice));
  } else if (!whole) {
    answer_error(reason_of(end));
    cancel_all();
  }
  choice_is_over(end.usage, index % setup_.choices_per_prompt == 0);
}

ApiError Job::reason_of(const End& end) const {
  auto& self = const_cast<Job&>(*this);
  const std::lock_guard lock(self.mutex_);
  if (abort_reason_) return *abort_reason_;
  if (!end.status.ok() && end.status.error().code != Code::Cancelled) {
    return from_error(end.status.error());
  }
  if (end.is_overdue) {
    return {408, "timeout",
            fmt::format("the answer took longer than the {} s that the request "
                        "gives it",
                        setup_.timeout_s),
            "timeout"};
  }
  return shutting_down();
}

// Once; a second end, and one after the client has gone, is nobody's.
void Job::answer_error(const ApiError& error) {
  if (answered_.exchange(true)) return;
  if (streaming_) {
    writer_.write(setup_.renderer->failure(error));
    writer_.end();
    return;
  }
  http::Response response = setup_.error_shape(error, setup_.request_id);
  for (const http::Field& field : setup_.headers) response.headers.set(field.name, field.value);
  writer_.respond(std::move(response));
}

void Job::choice_is_over(const Usage& usage, bool prompt_counts) {
  used_tokens_ += usage.answer_tokens + (prompt_counts ? usage.prompt_tokens : 0);
  if (--open_ > 0) return;
  finish();
  if (setup_.on_over) setup_.on_over(used_tokens_);
}

void Job::finish() {
  if (answered_.exchange(true)) return;
  Answers answers{{}, setup_.choices_per_prompt};
  for (Slot& slot : slots_) answers.choices.push_back(std::move(slot.choice));
  if (setup_.stream) {
    writer_.write(setup_.renderer->closing(answers));
    writer_.end();
    return;
  }
  http::Response response = http::json_response(200, setup_.renderer->whole(answers));
  for (const http::Field& field : setup_.headers) response.headers.set(field.name, field.value);
  writer_.respond(std::move(response));
}

}  // namespace verge::serve::api
