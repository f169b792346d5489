// Service::generate: from a request that was read to a job in the scheduler.

#include <algorithm>

#include <verge/stages/serve/api/admission.hpp>
#include <verge/stages/serve/api/generation_prompts.hpp>
#include <verge/stages/serve/api/service.hpp>

namespace verge::serve::api {
namespace {

QuotaRequest quota_of(const GenerationRequest& request, const std::vector<TokenIds>& prompts,
                      int64_t limit) {
  QuotaRequest quota{.answers = static_cast<int64_t>(prompts.size()) * request.choices};
  int64_t longest = 0;
  for (const TokenIds& prompt : prompts) {
    quota.prompt += std::ssize(prompt);
    longest = std::max<int64_t>(longest, std::ssize(prompt));
  }
  quota.answer_limit = limit - longest;
  if (request.max_tokens) quota.answer = std::min(*request.max_tokens, quota.answer_limit);
  return quota;
}

LengthLimit length_limit_of(const GenerationRequest& request, const QuotaRequest& quota,
                            const Quota::Decision& granted) {
  if (request.max_tokens && *request.max_tokens <= granted.answer) return LengthLimit::MaxTokens;
  return granted.answer < quota.answer_limit ? LengthLimit::Quota : LengthLimit::Context;
}

// After a template a leading space of the answer is the tokenizer's, after plain text the model's.
AnswerOptions answer_options(const GenerationRequest& request, const PromptMaker& prompts) {
  return {.sampling = request.sampling,
          .stop = request.stop,
          .stop_tokens = request.stop_tokens,
          .include_stop = request.include_stop,
          .min_tokens = request.min_tokens,
          .ignore_end = request.ignore_end,
          .top_logprobs = request.top_logprobs,
          .continues_text = !std::holds_alternative<ChatPrompt>(request.prompt),
          .shown_tokens = prompts.tag_tokens(request.tools.is_possible())};
}

// A completion of plain text is the model's own, tags and all; a forced call stands behind them.
std::optional<ReasoningTags> reasoning_of(const GenerationRequest& request,
                                          const PromptMaker& prompts) {
  const bool is_told = std::holds_alternative<ChatPrompt>(request.prompt) &&
                       (request.separate_reasoning || request.tools.is_forced());
  return is_told ? prompts.reasoning() : std::nullopt;
}

Constraints::Dialect dialect_of(const GenerationRequest& request, const PromptMaker& prompts,
                                bool begins_reasoning) {
  const bool is_chat = std::holds_alternative<ChatPrompt>(request.prompt);
  return {.syntax = prompts.call_syntax(),
          .reasoning = is_chat ? prompts.reasoning() : std::nullopt,
          .begins_reasoning = begins_reasoning};
}

// An answer that must be JSON is no call because it is JSON, unless the model has no other form.
ToolCallOptions call_options(const GenerationRequest& request, const PromptMaker& prompts) {
  const bool is_free = request.format.kind == OutputFormat::Kind::Text;
  return {.syntax = prompts.call_syntax(),
          .forced = request.tools.is_forced(),
          .bare = is_free || prompts.call_syntax() == CallSyntax::Llama3};
}

std::unique_ptr<AnswerRenderer> make_renderer(Protocol protocol, bool chat, AnswerMeta meta) {
  if (protocol == Protocol::Ollama) {
    return chat ? ollama_chat_renderer(std::move(meta)) : ollama_generate_renderer(std::move(meta));
  }
  if (protocol == Protocol::LlamaServer) return llama_completion_renderer(std::move(meta));
  return chat ? openai_chat_renderer(std::move(meta)) : openai_completion_renderer(std::move(meta));
}

std::vector<std::string> echoes(const GenerationRequest& request, const ModelEntry& model,
                                const std::vector<TokenIds>& prompts) {
  std::vector<std::string> texts;
  if (!request.echo) return texts;
  const auto& given = std::get<0>(request.prompt);
  for (size_t i = 0; i < prompts.size(); ++i) {
    const auto* text = std::get_if<std::string>(&given[i]);
    texts.push_back(text != nullptr ? *text : model.prompts.tokenizer().decode(prompts[i]));
  }
  return texts;
}

std::vector<int32_t> first_tokens(const GenerationRequest& request,
                                  const std::vector<TokenIds>& prompts) {
  std::vector<int32_t> tokens;
  if (!request.echo || request.top_logprobs < 0) return tokens;
  for (const TokenIds& prompt : prompts) tokens.push_back(prompt.front());
  return tokens;
}

bool begins_reasoning(const GenerationRequest& request, const PromptMaker& maker,
                      const std::vector<TokenIds>& prompts) {
  return std::holds_alternative<ChatPrompt>(request.prompt) &&
         maker.begins_reasoning(prompts.front());
}

AnswerMeta meta_of(const GenerationRequest& request, const std::string& id, const ModelEntry& model,
                   const std::vector<TokenIds>& prompts) {
  return {.id = id,
          .model = request.model,
          .tokenizer = model.prompts.shared_tokenizer(),
          .stream_usage = request.stream_usage,
          .echoed = echoes(request, model, prompts),
          .first_tokens = first_tokens(request, prompts),
          .choices_per_prompt = static_cast<size_t>(request.choices),
          .legacy_calls = request.tools.is_legacy,
          .short_call_ids = model.prompts.call_syntax() == CallSyntax::Mistral};
}

JobSetup setup_of(const GenerationRequest& request, const PromptMaker& maker,
                  const Exchange& exchange) {
  return {.request_id = exchange.request.id,
          .renderer = nullptr,
          .stream = request.stream,
          .choices_per_prompt = static_cast<size_t>(request.choices),
          .with_logprobs = request.top_logprobs >= 0,
          .tools = request.tools,
          .calls = call_options(request, maker),
          .reasoning = reasoning_of(request, maker),
          .show_reasoning = request.show_reasoning,
          .timeout_s = request.timeout_s.value_or(0),
          .headers = exchange.headers,
          .error_shape = [protocol = exchange.protocol](
                             const ApiError& error,
                             std::string_view id) { return error_response(protocol, error, id); },
          .key_id = exchange.caller.id};
}

// Those of the first prompt first; each answer draws by a seed of its own.
std::vector<Request> requests_of(const GenerationRequest& request, const Admission& admission,
                                 const std::vector<TokenIds>& prompts, uint64_t seed,
                                 const std::shared_ptr<const text::TokenConstraint>& constraint) {
  std::vector<Request> requests;
  for (const TokenIds& prompt : prompts) {
    for (int i = 0; i < request.choices; ++i) {
      Request one = admission.request(prompt);
      one.options = answer_options(request, admission.model()->prompts);
      one.constraint = constraint;
      if (request.echo && i == 0) one.prompt_logprobs = request.top_logprobs;  // for all of them
      one.deadline_s = request.timeout_s.value_or(0);
      one.cache_salt = request.cache_salt;
      one.options.max_tokens = admission.granted().answer;
      one.options.sampling.seed = seed + static_cast<uint64_t>(i);
      requests.push_back(std::move(one));
    }
  }
  return requests;
}

}  // namespace

void Service::generate(Exchange exchange, GenerationRequest request, bool chat) {
  Problem problem;
  Admission admission(directory_, parts_.gate, exchange.caller, request.model, problem);
  if (problem) return exchange.respond(problem.error());
  const ModelEntry& model = *admission.model();
  // A split model has no penalties: one that was asked for is refused at submission.
  if (model.face->runner && request.is_default_penalty) request.sampling.repetition_penalty = 1;
  const auto prompts = make_prompts(model, request, options_.unix_time_s(), problem);
  if (problem) return exchange.respond(problem.error());
  const bool reasons = begins_reasoning(request, model.prompts, prompts);
  const auto constraint =
      model.constraints.make(request, dialect_of(request, model.prompts, reasons), problem);
  if (problem) return exchange.respond(problem.error());
  const QuotaRequest quota = quota_of(request, prompts, model.face->limit());
  admission.reserve(quota, problem);
  add_rate_headers(exchange);
  if (problem) return exchange.respond(problem.error());

  AnswerMeta meta = meta_of(request, exchange.request.id, model, prompts);
  meta.created_unix_s = options_.unix_time_s();
  JobSetup setup = setup_of(request, model.prompts, exchange);
  setup.renderer = make_renderer(exchange.protocol, chat, std::move(meta));
  setup.length_limit = length_limit_of(request, quota, admission.granted());
  setup.on_over = admission.settlement();
  const uint64_t seed = request.seed ? *request.seed : options_.random();
  auto job = std::make_shared<Job>(parts_.scheduler, std::move(setup), exchange.writer);
  run(job,
      [&] { job->submit(requests_of(request, admission, prompts, seed, constraint), reasons); });
}

}  // namespace verge::serve::api
