#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include <verge/stages/serve/scheduler/task.hpp>
#include <verge/stages/serve/scheduler/task_runner.hpp>

namespace verge::serve {
namespace {

constexpr int kMostPriority = 8;

Status check_tokens(const Request& request, const ModelFace& face) {
  if (request.prompt.empty()) {
    return make_error(Code::InvalidArgument, "the prompt has no tokens; give a text");
  }
  for (const int32_t token : request.prompt) {
    if (token >= 0 && token < face.config.vocab) continue;
    return make_error(Code::InvalidArgument, "token {} of the prompt is not one of the {} of {}",
                      token, face.config.vocab, face.name);
  }
  return {};
}

// The last token drawn is not run, so it needs no room.
Status check_fits(const Request& request, const ModelFace& face) {
  const auto prompt = static_cast<int64_t>(request.prompt.size());
  const int64_t limit = face.limit();
  if (prompt > limit) {
    return make_error(Code::InvalidArgument,
                      "the prompt has {} tokens; {} takes at most {} (context {}, cache {})",
                      prompt, face.name, limit, face.context, face.kv_tokens);
  }
  if (!request.embed && request.options.max_tokens > limit - prompt + 1) {
    return make_error(Code::InvalidArgument,
                      "a prompt of {} and an answer of {} tokens; {} takes {} together, so ask for "
                      "at most {} or shorten the prompt",
                      prompt, request.options.max_tokens, face.name, limit, limit - prompt + 1);
  }
  return {};
}

Status check_options(const Request& request) {
  if (request.priority < -kMostPriority || request.priority > kMostPriority) {
    return make_error(Code::InvalidArgument, "priority {}; give {} to {}", request.priority,
                      -kMostPriority, kMostPriority);
  }
  if (request.options.max_tokens < -1 || !(request.deadline_s >= 0)) {
    return make_error(Code::InvalidArgument,
                      "max_tokens {} and a deadline of {} s; give -1 or more tokens, 0 or more "
                      "seconds",
                      request.options.max_tokens, request.deadline_s);
  }
  return {};
}

// Calls a sink, whatever it does.
template <typename Call>
Status guarded(Call call) {
  try {
    call();
    return {};
  } catch (const std::exception& error) {
    return make_error(Code::Internal, "the receiver of an answer failed: {}", error.what());
  } catch (...) {
    return make_error(Code::Internal, "the receiver of an answer failed");
  }
}

// Its place among those of the model, -1 for none.
Result<int32_t> adapter_of(const Request& request, const ModelFace& face) {
  if (request.adapter.empty()) return -1;
  if (request.embed) {
    return make_error(Code::Unsupported, "adapter {}: vectors are of the base model alone",
                      request.adapter);
  }
  const auto found = std::ranges::find(face.adapters, request.adapter);
  if (found != face.adapters.end()) return static_cast<int32_t>(found - face.adapters.begin());
  return make_error(
      Code::NotFound, "adapter {}: {} has none of that name; there are {}", request.adapter,
      face.name,
      face.adapters.empty() ? "none" : fmt::format("{}", fmt::join(face.adapters, ", ")));
}

Timings timings_of(const Task& task, double now_s) {
  Timings timings;
  timings.preemptions = task.preemptions;
  timings.queued_s = (task.begun_s < 0 ? now_s : task.begun_s) - task.submitted_s;
  if (task.begun_s < 0) return timings;
  timings.prefill_s = (task.first_token_s < 0 ? now_s : task.first_token_s) - task.begun_s;
  if (task.first_token_s < 0) return timings;
  timings.time_to_first_token_s = task.first_token_s - task.submitted_s;
  timings.decode_s = now_s - task.first_token_s;
  return timings;
}

}  // namespace

Result<std::unique_ptr<Task>> make_task(Request request, std::shared_ptr<AnswerSink> sink,
                                        std::shared_ptr<const ModelFace> face) {
  VERGE_RETURN_IF_ERROR(check_options(request));
  VERGE_RETURN_IF_ERROR(check_tokens(request, *face));
  VERGE_RETURN_IF_ERROR(check_fits(request, *face));
  if (face->runner) VERGE_RETURN_IF_ERROR(face->runner->check(request));
  VERGE_TRY(const int32_t adapter, adapter_of(request, *face));
  auto constraint = request.constraint ? request.constraint->clone() : nullptr;
  VERGE_TRY(Answer answer, Answer::start(*face->tokenizer, request.options, request.prompt,
                                         std::move(constraint)));
  std::vector<int32_t> feed = std::move(request.prompt);
  request.prompt.clear();
  const bool is_scored = request.embed || request.prompt_logprobs < 0;
  const Usage usage{.prompt_tokens = static_cast<int64_t>(feed.size())};
  std::optional<model::PooledState> pooled;
  if (request.embed) {
    pooled.emplace(*request.embed, face->config.d_model);
    feed.resize(static_cast<size_t>(pooled->tokens(usage.prompt_tokens)));
  }
  return std::unique_ptr<Task>(new Task{.request = std::move(request),
                                        .sink = std::move(sink),
                                        .face = std::move(face),
                                        .adapter = adapter,
                                        .answer = std::move(answer),
                                        .feed = std::move(feed),
                                        .is_scored = is_scored,
                                        .pooled = std::move(pooled),
                                        .usage = usage});
}

Status begin(Task& task, double now_s) {
  if (task.has_ended || task.begun_s >= 0) return {};
  task.begun_s = now_s;
  return guarded([&] {
    task.sink->on_start({task.id, task.usage.prompt_tokens, task.usage.cached_tokens});
  });
}

Status deliver(Task& task, const Piece& piece, double now_s) {
  if (task.has_ended) return {};
  if (task.first_token_s < 0 && !piece.tokens.empty()) task.first_token_s = now_s;
  task.feed.insert(task.feed.end(), piece.tokens.begin(), piece.tokens.end());
  task.usage.answer_tokens += static_cast<int64_t>(piece.tokens.size());
  if (piece.text.empty() && piece.tokens.empty()) return {};
  return guarded([&] { task.sink->on_piece(piece); });
}

Status deliver_vector(Task& task, double now_s) {
  if (task.has_ended) return {};
  task.first_token_s = now_s;
  (void)task.answer.end(StopReason::EndOfText);
  return guarded([&] { task.sink->on_embedding(task.pooled->value()); });
}

Status deliver_scores(Task& task) {
  if (task.has_ended) return {};
  const auto scores = std::exchange(task.scores, {});
  task.is_scored = true;
  return guarded([&] { task.sink->on_prompt(scores); });
}

void finish(Task& task, Status status, double now_s, const EndObserver& observer) {
  if (task.has_ended) return;
  task.has_ended = true;
  task.sequence.reset();
  task.spill.reset();
  task.proposer.reset();
  End end{.id = task.id, .status = std::move(status)};
  end.reason = task.answer.reason().value_or(StopReason::Cancelled);
  const double deadline_s = task.request.deadline_s;
  end.is_overdue = !end.status.ok() && end.status.error().code == Code::Cancelled &&
                   deadline_s > 0 && now_s - task.submitted_s >= deadline_s;
  if (task.begun_s >= 0) end.usage = task.usage;
  end.timings = timings_of(task, now_s);
  // First what counts, so that who has its answer finds it counted.
  if (observer) (void)guarded([&] { observer(task.request, end); });
  // A receiver that fails here has failed its own request alone.
  (void)guarded([&] { task.sink->on_end(end); });
}

}  // namespace verge::serve
