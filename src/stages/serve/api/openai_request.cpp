#include <algorithm>

#include <verge/stages/serve/api/chat_messages.hpp>
#include <verge/stages/serve/api/foreign_fields.hpp>
#include <verge/stages/serve/api/format_fields.hpp>
#include <verge/stages/serve/api/openai_request.hpp>
#include <verge/stages/serve/api/sampling_fields.hpp>
#include <verge/stages/serve/api/tool_fields.hpp>

namespace verge::serve::api {
namespace {

void read_streaming(Fields& fields, GenerationRequest& request) {
  request.stream = fields.boolean("stream", false);
  const Json* options = fields.object("stream_options");
  if (options == nullptr) return;
  if (!request.stream) {
    fields.wrong("stream_options", "stream_options is for \"stream\": true");
  }
  Fields inner(*options, "stream_options", fields.problem());
  request.stream_usage = inner.boolean("include_usage", false);
  inner.ignore({"include_obfuscation", "continuous_usage_stats"});
  inner.finish();
}

void read_max_tokens(Fields& fields, GenerationRequest& request) {
  for (const char* name : {"max_tokens", "max_completion_tokens"}) {
    if (!fields.has(name)) continue;
    const int64_t most = fields.integer(name, -1, -1, kMostTokens);
    if (most >= 0) request.max_tokens = most;  // -1 is "no limit" for llama.cpp's clients
  }
}

void read_least_tokens(Fields& fields, GenerationRequest& request) {
  request.min_tokens = fields.integer("min_tokens", 0, 0, kMostTokens);
  if (request.max_tokens && request.min_tokens > *request.max_tokens) {
    fields.wrong("min_tokens", fmt::format("min_tokens is {}; max_tokens allows {}",
                                           request.min_tokens, *request.max_tokens));
  }
}

void refuse_best_of(Fields& fields, const GenerationRequest& request) {
  if (!fields.has("best_of") || fields.integer("best_of", 1, 1, kMostChoices) == request.choices) {
    return;
  }
  fields.wrong("best_of", "best_of is not supported; ask for n answers and choose",
               "unsupported_value");
}

void read_timeout(Fields& fields, GenerationRequest& request) {
  constexpr double kLongestS = 7 * 24 * 3600, kShortestS = 0.001;
  if (!fields.has("timeout")) return;
  request.timeout_s = fields.number("timeout", kLongestS, kShortestS, kLongestS);
}

void read_openai_common(Fields& fields, GenerationRequest& request) {
  request.model = fields.text("model");
  read_openai_sampling(fields, request);
  read_streaming(fields, request);
  read_max_tokens(fields, request);
  read_least_tokens(fields, request);
  request.choices = static_cast<int>(fields.integer("n", 1, 1, kMostChoices));
  refuse_best_of(fields, request);
  request.format = read_output_format(fields);
  request.cache_salt = fields.text("cache_salt");
  fields.ignore({"reasoning_effort", "verbosity"});
  read_timeout(fields, request);
  read_foreign_fields(fields);
}

void read_chat_logprobs(Fields& fields, GenerationRequest& request) {
  const bool wanted = fields.boolean("logprobs", false);
  const int64_t top = fields.integer("top_logprobs", 0, 0, kMostTopLogprobs);
  if (top > 0 && !wanted) {
    fields.wrong("top_logprobs", "top_logprobs needs \"logprobs\": true");
  }
  if (wanted) request.top_logprobs = static_cast<int>(top);
}

bool is_ids(const Json& value) {
  return value.is_array() && !value.empty() && std::ranges::all_of(value, &Json::is_number);
}

TokenIds read_ids(const Json& value, const std::string& name, Problem& problem) {
  TokenIds ids;
  ids.reserve(value.size());
  for (const Json& id : value) {
    const bool is_token = id.is_number_integer() && id >= 0 && id <= INT32_MAX;
    if (!is_token) {
      problem.report(
          invalid_field(name, fmt::format("{} holds {}, which is no token id", name, id.dump())));
      return {};
    }
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

// What the template may be told of reasoning, and what is told of it.
void read_reasoning(Fields& fields, ChatPrompt& chat, GenerationRequest& request) {
  for (const char* name : {"reasoning_effort", "verbosity"}) {
    if (fields.has(name)) chat.hints[name] = fields.text(name);
  }
  if (chat.hints.value("reasoning_effort", "") == "none") chat.hints["enable_thinking"] = false;
  request.show_reasoning = fields.boolean("include_reasoning", true);
  const std::string format = fields.text("reasoning_format", "auto");
  if (format != "auto" && format != "deepseek" && format != "none") {
    fields.wrong("reasoning_format", "reasoning_format must be \"auto\", \"deepseek\" or \"none\"");
  }
  request.separate_reasoning = format != "none";
}

}  // namespace

GenerationRequest read_chat_request(const Json& body, Problem& problem) {
  Fields fields(body, "", problem);
  GenerationRequest request;
  read_openai_common(fields, request);
  ChatPrompt chat{.messages = read_openai_messages(fields, "messages")};
  if (const Json* variables = fields.object("chat_template_kwargs")) {
    chat.template_variables = *variables;
  }
  read_reasoning(fields, chat, request);
  request.prompt = std::move(chat);
  read_chat_logprobs(fields, request);
  request.tools = read_tools_or_functions(fields);
  fields.finish();
  return request;
}

std::vector<PlainPrompt> read_plain_prompts(const Json& value, const std::string& name,
                                            Problem& problem) {
  std::vector<PlainPrompt> prompts;
  if (value.is_string()) {
    prompts.emplace_back(value.get<std::string>());
  } else if (is_ids(value)) {
    prompts.emplace_back(read_ids(value, name, problem));
  } else if (value.is_array() && !value.empty() && value.size() <= kMostPrompts) {
    for (size_t i = 0; i < value.size(); ++i) {
      const std::string place = fmt::format("{}[{}]", name, i);
      if (value[i].is_string()) {
        prompts.emplace_back(value[i].get<std::string>());
      } else if (is_ids(value[i])) {
        prompts.emplace_back(read_ids(value[i], place, problem));
      } else {
        problem.report(invalid_field(place, fmt::format("{} is neither text nor token ids", place),
                                     "invalid_type"));
      }
    }
  } else {
    problem.report(invalid_field(
        name,
        fmt::format("{} must be text, token ids, or a list of 1 to {} of them", name, kMostPrompts),
        "invalid_type"));
  }
  return prompts;
}

GenerationRequest read_completion_request(const Json& body, Problem& problem) {
  constexpr int64_t kDefaultTokens = 16;
  Fields fields(body, "", problem);
  GenerationRequest request;
  request.max_tokens = kDefaultTokens;
  read_openai_common(fields, request);
  const Json* prompt = fields.find("prompt");
  request.prompt = prompt == nullptr ? std::vector<PlainPrompt>{std::string()}
                                     : read_plain_prompts(*prompt, "prompt", problem);
  request.echo = fields.boolean("echo", false);
  if (fields.has("logprobs")) {
    request.top_logprobs = static_cast<int>(fields.integer("logprobs", 0, 0, kMostTopLogprobs));
  }
  if (request.echo && request.top_logprobs >= 0 && request.stream) {
    fields.wrong("logprobs",
                 "log-probabilities of the prompt (echo with logprobs) are not streamed",
                 "unsupported_value");
  }
  for (const char* name : {"functions", "function_call"}) {
    if (fields.has(name)) fields.refuse(name);
  }
  if (!fields.text("suffix").empty()) {
    fields.wrong("suffix", "suffix is not supported", "unsupported_value");
  }
  fields.finish();
  return request;
}

GenerationRequest read_llama_completion(const Json& body, Problem& problem) {
  if (!body.is_object()) return read_completion_request(body, problem);
  Json renamed = body;
  const auto is_given = [&](const std::string& name) {
    return renamed.contains(name) && !renamed[name].is_null();
  };
  const Json defaults = {{"temperature", 0.8}, {"top_k", 40}, {"top_p", 0.95}, {"min_p", 0.05}};
  for (const auto& [name, value] : defaults.items()) {
    if (!is_given(name)) renamed[name] = value;
  }
  if (is_given("n_predict")) renamed["max_tokens"] = renamed["n_predict"];
  renamed.erase("n_predict");
  const bool is_bounded = is_given("max_tokens") && renamed["max_tokens"] != -1;
  if (!is_bounded) renamed["max_tokens"] = -1;
  GenerationRequest request = read_completion_request(renamed, problem);
  if (!is_bounded) request.max_tokens.reset();
  return request;
}

EmbeddingRequest read_embedding_request(const Json& body, Problem& problem) {
  Fields fields(body, "", problem);
  EmbeddingRequest request;
  request.model = fields.text("model");
  if (const Json* input = fields.find("input")) {
    request.inputs = read_plain_prompts(*input, "input", problem);
  } else {
    fields.wrong("input", "input is missing; give text", "missing_field");
  }
  const std::string format = fields.text("encoding_format", "float");
  if (format != "float" && format != "base64") {
    fields.wrong("encoding_format", "encoding_format must be \"float\" or \"base64\"");
  }
  request.base64 = format == "base64";
  request.dimensions = fields.integer("dimensions", 0, 1, 1 << 20);
  read_foreign_fields(fields);
  fields.finish();
  return request;
}

}  // namespace verge::serve::api
