// Service::embed: from texts to vectors, through the scheduler.

#include <algorithm>
#include <atomic>
#include <mutex>

#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/admission.hpp>
#include <verge/stages/serve/api/embedding_answer.hpp>
#include <verge/stages/serve/api/service.hpp>

namespace verge::serve::api {
namespace {

using Finish = std::function<void(const std::vector<std::vector<float>>&, const Usage&)>;
using Fail = std::function<void(const ApiError&, const Usage&)>;

// The vectors of one request; its sinks run on the engine's thread.
class EmbeddingJob : public Revocable {
 public:
  EmbeddingJob(Scheduler& scheduler, std::string key_id, size_t texts, int64_t dimensions,
               Finish finish, Fail fail)
      : scheduler_(scheduler),
        key_id_(std::move(key_id)),
        vectors_(texts),
        open_(texts),
        dimensions_(dimensions),
        finish_(std::move(finish)),
        fail_(std::move(fail)) {}

  const std::string& key_id() const override { return key_id_; }
  void abort(ApiError why) override { give_up(std::move(why)); }

  class Sink : public AnswerSink {
   public:
    Sink(std::shared_ptr<EmbeddingJob> job, size_t index) : job_(std::move(job)), index_(index) {}
    void on_piece(const Piece&) override {}
    void on_embedding(std::span<const float> values) override {
      job_->vectors_[index_] = unit_vector(values, job_->dimensions_);
    }
    void on_end(const End& end) override {
      job_->prompt_tokens_ += end.usage.prompt_tokens;
      job_->one_is_over(end.status ? std::nullopt : std::optional(from_error(end.status.error())));
    }

   private:
    std::shared_ptr<EmbeddingJob> job_;
    size_t index_;
  };

  void has_begun(RequestId id) {
    {
      const std::lock_guard lock(mutex_);
      ids_.push_back(id);
      if (!is_given_up_) return;
    }
    scheduler_.cancel(id);
  }

  // The answer, or the first error, when the last of them is over.
  void one_is_over(const std::optional<ApiError>& error) {
    if (error) give_up(*error);
    if (--open_ > 0) return;
    const Usage usage{.prompt_tokens = prompt_tokens_};
    const auto failure = error_of_all();
    failure ? fail_(*failure, usage) : finish_(vectors_, usage);
  }

  void give_up(std::optional<ApiError> error = {}) {
    std::vector<RequestId> ids;
    {
      const std::lock_guard lock(mutex_);
      if (is_given_up_) return;
      is_given_up_ = true;
      error_ = std::move(error);
      ids = ids_;
    }
    for (const RequestId id : ids) scheduler_.cancel(id);
  }

 private:
  std::optional<ApiError> error_of_all() {
    const std::lock_guard lock(mutex_);
    const bool is_whole = std::ranges::none_of(vectors_, &std::vector<float>::empty);
    if (is_whole && !is_given_up_) return {};
    return error_.value_or(shutting_down());
  }

  Scheduler& scheduler_;
  const std::string key_id_;  // whose revocation ends it
  std::vector<std::vector<float>> vectors_;
  std::atomic<size_t> open_;
  std::atomic<int64_t> prompt_tokens_{0};
  int64_t dimensions_;
  Finish finish_;
  Fail fail_;
  std::mutex mutex_;  // of what follows
  std::vector<RequestId> ids_;
  bool is_given_up_ = false;
  std::optional<ApiError> error_;
};

// The beginning of a text, as much as may matter: beyond it no token can be kept.
PlainPrompt beginning_of(const PlainPrompt& input, const ModelEntry& model) {
  const auto* text = std::get_if<std::string>(&input);
  const size_t most =
      (static_cast<size_t>(model.face->limit()) + 1) * model.prompts.longest_piece();
  return text == nullptr ? input : PlainPrompt(text->substr(0, most));
}

// A token that ends every text stays the last.
void cut(TokenIds& tokens, size_t most, const text::Tokenizer& tokenizer) {
  if (tokens.size() <= most) return;
  const int32_t last = tokens.back();
  tokens.resize(most);
  if (tokenizer.is_special(last)) tokens.back() = last;
}

// The tokens of each text; each must fit whole, unless it may be cut.
std::vector<TokenIds> embedding_prompts(const ModelEntry& model, const EmbeddingRequest& request,
                                        Problem& problem) {
  std::vector<TokenIds> prompts;
  const int64_t most = model.face->limit();
  for (const PlainPrompt& input : request.inputs) {
    const auto* text = std::get_if<std::string>(&input);
    if (text != nullptr && !request.truncate) {
      model.check_bytes(text->size(), "input", problem);
      if (problem) return prompts;
    }
    auto tokens = model.prompts.plain(request.truncate ? beginning_of(input, model) : input);
    if (tokens && request.truncate) {
      cut(*tokens, static_cast<size_t>(most), model.prompts.tokenizer());
    }
    if (!tokens) {
      problem.report(from_error(tokens.error()));
    } else if (std::ssize(*tokens) > most) {
      problem.report({400, "context_length_exceeded",
                      fmt::format("a text has {} tokens; {} takes at most {}", tokens->size(),
                                  model.face->name, most),
                      "input"});
    } else {
      prompts.push_back(std::move(*tokens));
    }
  }
  if (request.dimensions > model.face->config.d_model) {
    problem.report(
        invalid_field("dimensions", fmt::format("dimensions is {}; {} has {}", request.dimensions,
                                                model.face->name, model.face->config.d_model)));
  }
  return prompts;
}

// The first that is refused ends them all.
void submit_all(const std::shared_ptr<EmbeddingJob>& job, Scheduler& scheduler,
                std::vector<Request> requests) {
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto id =
        scheduler.submit(std::move(requests[i]), std::make_shared<EmbeddingJob::Sink>(job, i));
    if (id) {
      job->has_begun(*id);
      continue;
    }
    ApiError error = from_error(id.error());
    if (error.status == 429) error.retry_after_s = scheduler.retry_after_s();
    for (size_t left = i; left < requests.size(); ++left) job->one_is_over(error);
    return;
  }
}

}  // namespace

void Service::embed(Exchange exchange, EmbeddingRequest request, bool legacy) {
  Problem problem;
  Admission admission(directory_, parts_.gate, exchange.caller, request.model, problem);
  if (problem) return exchange.respond(problem.error());
  const ModelEntry& model = *admission.model();
  std::vector<TokenIds> prompts = embedding_prompts(model, request, problem);
  const auto pooling = model::pooling_of(model.face->source);
  if (!pooling) problem.report(from_error(pooling.error()));
  if (problem) return exchange.respond(problem.error());
  QuotaRequest quota{.answer = 0};
  for (const TokenIds& prompt : prompts) quota.prompt += std::ssize(prompt);
  admission.reserve(quota, problem);
  add_rate_headers(exchange);
  if (problem) return exchange.respond(problem.error());

  const auto settle = admission.settlement();
  auto job = std::make_shared<EmbeddingJob>(
      parts_.scheduler, exchange.caller.id, prompts.size(), request.dimensions,
      [exchange, request, legacy, settle](const auto& vectors, const Usage& usage) mutable {
        settle(usage.prompt_tokens);
        exchange.respond(exchange.protocol == Protocol::Ollama
                             ? ollama_embeddings(request, vectors, usage, legacy)
                             : openai_embeddings(request, vectors, usage));
      },
      [exchange, settle](const ApiError& error, const Usage& usage) mutable {
        settle(usage.prompt_tokens);
        exchange.respond(error);
      });
  run(job, [&] {
    std::vector<Request> requests;
    for (TokenIds& prompt : prompts) {
      requests.push_back(admission.request(std::move(prompt)));
      requests.back().embed = *pooling;
    }
    submit_all(job, parts_.scheduler, std::move(requests));
  });
  exchange.writer.on_close([job = std::weak_ptr(job)](http::CloseReason) {
    if (const auto self = job.lock()) self->give_up();
  });
}

}  // namespace verge::serve::api
