#include <algorithm>

#include <verge/stages/serve/api/generation_prompts.hpp>
#include <verge/stages/serve/api/json_body.hpp>

namespace verge::serve::api {
namespace {

constexpr size_t kMostAnswers = 256;  // of one request: each has a copy of its prompt

void check_context(const ModelEntry& model, const GenerationRequest& request, Problem& problem) {
  if (request.least_context <= model.face->limit()) return;
  problem.report(
      invalid_field("options.num_ctx",
                    fmt::format("num_ctx is {}; {} is served with a context of {}; ask for no "
                                "more, or serve a larger --context",
                                request.least_context, model.face->name, model.face->limit())));
}

void check_bytes(const ModelEntry& model, const GenerationRequest& request, Problem& problem) {
  if (const auto* chat = std::get_if<ChatPrompt>(&request.prompt)) {
    return model.check_bytes(text_bytes(chat->messages), "messages", problem);
  }
  for (const PlainPrompt& prompt : std::get<0>(request.prompt)) {
    const auto* text = std::get_if<std::string>(&prompt);
    if (text != nullptr) model.check_bytes(text->size(), "prompt", problem);
  }
}

std::vector<TokenIds> tokens_of(const ModelEntry& model, const GenerationRequest& request,
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
void check_lengths(const ModelEntry& model, const GenerationRequest& request,
                   const std::vector<TokenIds>& prompts, Problem& problem) {
  const bool is_chat = std::holds_alternative<ChatPrompt>(request.prompt);
  const int64_t most = model.face->limit() - 1;
  for (const TokenIds& prompt : prompts) {
    if (std::ssize(prompt) <= most) continue;
    problem.report(
        {400, "context_length_exceeded",
         fmt::format("the prompt has {} tokens; {} takes at most {} (context {}), one of "
                     "the answer included; shorten it, or serve a larger --context",
                     prompt.size(), model.face->name, most, model.face->limit()),
         is_chat ? "messages" : "prompt"});
  }
}

void check_stop_tokens(const GenerationRequest& request, const text::Tokenizer& tokenizer,
                       Problem& problem) {
  for (const int32_t token : request.stop_tokens) {
    if (token < tokenizer.size()) continue;
    problem.report(invalid_field(
        "stop_token_ids",
        fmt::format("token {} is none of the model's: give 0 to {}", token, tokenizer.size() - 1)));
  }
}

void check_count(const GenerationRequest& request, size_t prompts, Problem& problem) {
  if (prompts * static_cast<size_t>(request.choices) <= kMostAnswers) return;
  problem.report(
      invalid_field("n", fmt::format("{} prompts with {} answers each; give at most {} together",
                                     prompts, request.choices, kMostAnswers)));
}

}  // namespace

std::vector<TokenIds> make_prompts(const ModelEntry& model, const GenerationRequest& request,
                                   int64_t now_unix_s, Problem& problem) {
  check_context(model, request, problem);
  check_bytes(model, request, problem);
  if (problem) return {};
  std::vector<TokenIds> prompts = tokens_of(model, request, now_unix_s, problem);
  check_lengths(model, request, prompts, problem);
  const text::Tokenizer& tokenizer = model.prompts.tokenizer();
  if (const Status valid = text::validate(request.sampling, tokenizer.size()); !valid) {
    problem.report(from_error(valid.error()));
  }
  check_stop_tokens(request, tokenizer, problem);
  check_count(request, prompts.size(), problem);
  return prompts;
}

}  // namespace verge::serve::api
