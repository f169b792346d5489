// Service::generate: from a request that was read to a job in the scheduler.

#include <algorithm>

#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/service.hpp>

namespace verge::serve::api {
namespace {

constexpr size_t kMostAnswers = 256;  // of one request: each has a copy of its prompt

void check_bytes(const ModelEntry& model, const GenerationRequest& request, Problem& problem) {
  if (const auto* chat = std::get_if<ChatPrompt>(&request.prompt)) {
    return model.check_bytes(text_bytes(chat->messages), "messages", problem);
  }
  for (const PlainPrompt& prompt : std::get<0>(request.prompt)) {
    const auto* text = std::get_if<std::string>(&prompt);
    if (text != nullptr) model.check_bytes(text->size(), "prompt", problem);
  }
}

std::vector<TokenIds> make_prompts(const ModelEntry& model, const GenerationRequest& request,
                                   int64_t now_unix_s, Problem& problem) {
  std::vector<TokenIds> prompts;
  const auto add = [&](Result<TokenIds> tokens) {
    if (tokens) {
      prompts.push_back(std::move(*tokens));
    } else {
      problem.report(from_error(tokens.error()));
    }
  };
  if (const auto* chat = std::get_if<ChatPrompt>(&request.prompt)) {
    add(model.prompts.chat(*chat, request.tools, now_unix_s));
  } else {
    for (const PlainPrompt& prompt : std::get<0>(request.prompt)) add(model.prompts.plain(prompt));
  }
  return prompts;
}

// Each prompt must leave room for a token of the answer.
void check_lengths(const ModelEntry& model, const std::vector<TokenIds>& prompts, const char* param,
                   Problem& problem) {
  const int64_t most = model.face->limit() - 1;
  for (const TokenIds& prompt : prompts) {
    if (std::ssize(prompt) <= most) continue;
    problem.report(
        {400, "context_length_exceeded",
         fmt::format("the prompt has {} tokens; {} takes at most {} (context {}), one of "
                     "the answer included; shorten it, or serve a larger --context",
                     prompt.size(), model.face->name, most, model.face->limit()),
         param});
  }
}

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
AnswerOptions answer_options(const GenerationRequest& request) {
  return {.sampling = request.sampling,
          .stop = request.stop,
          .ignore_end = request.ignore_end,
          .top_logprobs = request.top_logprobs,
          .continues_text = !std::holds_alternative<ChatPrompt>(request.prompt)};
}

std::unique_ptr<AnswerRenderer> make_renderer(Protocol protocol, bool chat, AnswerMeta meta) {
  if (protocol == Protocol::Ollama) {
    return chat ? ollama_chat_renderer(std::move(meta)) : ollama_generate_renderer(std::move(meta));
  }
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

}  // namespace

void Service::generate(Exchange exchange, GenerationRequest request, bool chat) {
  Problem problem;
  const auto model = directory_.open(request.model, exchange.caller, problem);
  if (!problem) check_bytes(*model, request, problem);
  if (problem) return exchange.respond(problem.error());
  const auto prompts = make_prompts(*model, request, options_.unix_time_s(), problem);
  check_lengths(*model, prompts, chat ? "messages" : "prompt", problem);
  const text::Tokenizer& tokenizer = model->prompts.tokenizer();
  if (const Status valid = text::validate(request.sampling, tokenizer.size()); !valid) {
    problem.report(from_error(valid.error()));
  }
  if (prompts.size() * static_cast<size_t>(request.choices) > kMostAnswers) {
    problem.report(
        invalid_field("n", fmt::format("{} prompts with {} answers each; give at most {} together",
                                       prompts.size(), request.choices, kMostAnswers)));
  }
  if (problem) return exchange.respond(problem.error());
  const auto constraint = model->constraints.make(request, problem);
  if (problem) return exchange.respond(problem.error());
  const QuotaRequest quota = quota_of(request, prompts, model->face->limit());
  const Quota::Decision granted = parts_.gate.enter(exchange.caller, quota, problem);
  add_rate_headers(exchange);
  if (problem) return exchange.respond(problem.error());

  const auto per_prompt = static_cast<size_t>(request.choices);
  AnswerMeta meta{.id = exchange.request.id,
                  .model = request.model,
                  .created_unix_s = options_.unix_time_s(),
                  .tokenizer = model->prompts.shared_tokenizer(),
                  .stream_usage = request.stream_usage,
                  .echoed = echoes(request, *model, prompts),
                  .choices_per_prompt = per_prompt};
  JobSetup setup{.request_id = exchange.request.id,
                 .renderer = make_renderer(exchange.protocol, chat, std::move(meta)),
                 .stream = request.stream,
                 .choices_per_prompt = per_prompt,
                 .with_logprobs = request.top_logprobs >= 0,
                 .length_limit = length_limit_of(request, quota, granted),
                 .tools = request.tools,
                 .headers = exchange.headers,
                 .error_shape =
                     [protocol = exchange.protocol](const ApiError& error, std::string_view id) {
                       return error_response(protocol, error, id);
                     },
                 .key_id = exchange.caller.id};
  setup.on_over = [this, caller = exchange.caller, granted](int64_t used) {
    parts_.gate.leave(caller, granted, used);
  };

  const uint64_t seed = request.seed ? *request.seed : options_.random();
  std::vector<Request> requests;
  for (const TokenIds& prompt : prompts) {
    for (size_t i = 0; i < per_prompt; ++i) {
      Request one{.model = model->face->name,
                  .adapter = directory_.adapter_of(request.model),
                  .prompt = prompt,
                  .options = answer_options(request),
                  .constraint = constraint,
                  .tenant = exchange.caller.tenant,
                  .priority = exchange.caller.priority};
      one.options.max_tokens = granted.answer;
      one.options.sampling.seed = seed + i;
      requests.push_back(std::move(one));
    }
  }
  auto job = std::make_shared<Job>(parts_.scheduler, std::move(setup), exchange.writer);
  keep(job);
  job->submit(std::move(requests));
  if (!parts_.gate.is_valid(job->key_id())) job->abort(revoked_key());  // since it was identified
}

}  // namespace verge::serve::api
