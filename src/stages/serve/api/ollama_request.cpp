#include <charconv>

#include <verge/stages/serve/api/chat_messages.hpp>
#include <verge/stages/serve/api/foreign_fields.hpp>
#include <verge/stages/serve/api/format_fields.hpp>
#include <verge/stages/serve/api/ollama_request.hpp>
#include <verge/stages/serve/api/sampling_fields.hpp>
#include <verge/stages/serve/api/tool_fields.hpp>

namespace verge::serve::api {
namespace {

void read_keep_alive(Fields& fields, OllamaExtras& extras) {
  const Json* value = fields.find("keep_alive");
  if (value == nullptr) return;
  if (value->is_number()) {
    extras.keep_alive_s = value->get<double>();
  } else {
    extras.keep_alive_s = parse_duration_s(fields.text("keep_alive"));
    if (!extras.keep_alive_s) {
      fields.wrong("keep_alive", "keep_alive must be seconds, or text like \"5m\" or \"-1\"");
    }
  }
}

// What models of Ollama's call thinking: true, false, or how much of it.
void read_think(Fields& fields, ChatPrompt& chat) {
  const Json* think = fields.find("think");
  if (think == nullptr) return;
  if (think->is_boolean()) {
    chat.hints["enable_thinking"] = *think;
  } else if (*think == "low" || *think == "medium" || *think == "high") {
    chat.hints["enable_thinking"] = true;
    chat.hints["reasoning_effort"] = *think;
  } else {
    fields.wrong("think", "think must be true, false, \"low\", \"medium\" or \"high\"");
  }
}

void read_logprobs(Fields& fields, GenerationRequest& request) {
  const bool wanted = fields.boolean("logprobs", false);
  const int64_t top = fields.integer("top_logprobs", 0, 0, kMostTopLogprobs);
  if (wanted) request.top_logprobs = static_cast<int>(top);
}

void read_ollama_common(Fields& fields, GenerationRequest& request, OllamaExtras& extras) {
  request.model = fields.text("model");
  request.stream = fields.boolean("stream", true);
  request.format = read_ollama_format(fields);
  read_keep_alive(fields, extras);
  static const Json kNoOptions = Json::object();
  const Json* given = fields.object("options");
  Fields options(given != nullptr ? *given : kNoOptions, "options", fields.problem());
  read_ollama_options(options, request);
  options.finish();
  read_logprobs(fields, request);
  read_foreign_ollama_fields(fields);
}

}  // namespace

std::optional<double> parse_duration_s(std::string_view text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}, {"h", 3600}, {"m", 60}, {"s", 1}};
  double total = 0;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || !(value >= 0 && value < 1e12)) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    double scale = text.empty() ? 1 : 0;
    for (const auto& [unit, seconds] : kUnits) {
      if (scale != 0 || !text.starts_with(unit)) continue;
      scale = seconds;
      text.remove_prefix(unit.size());
    }
    if (scale == 0) return std::nullopt;
    total += value * scale;
  }
  return negative ? -total : total;
}

GenerationRequest read_ollama_generate(const Json& body, OllamaExtras& extras, Problem& problem) {
  Fields fields(body, "", problem);
  GenerationRequest request;
  read_ollama_common(fields, request, extras);
  const std::string prompt = fields.text("prompt");
  const std::string system = fields.text("system");
  const bool raw = fields.boolean("raw", false);
  extras.load_only = prompt.empty();
  if (!fields.text("suffix").empty()) {
    fields.wrong("suffix", "suffix is not supported", "unsupported_value");
  }
  if (!fields.text("template").empty()) {
    fields.wrong("template", "a template in a request is not supported; the model's own is used",
                 "unsupported_value");
  }
  const Json* images = fields.array("images");
  if (images != nullptr && !images->empty()) {
    fields.wrong("images", "this server reads text only", "unsupported_content");
  }
  ChatPrompt chat;
  read_think(fields, chat);
  if (raw) {
    request.separate_reasoning = false;
    request.prompt = std::vector<PlainPrompt>{prompt};
  } else {
    if (!system.empty()) chat.messages.push_back({{"role", "system"}, {"content", system}});
    chat.messages.push_back({{"role", "user"}, {"content", prompt}});
    request.prompt = std::move(chat);
  }
  fields.finish();
  return request;
}

GenerationRequest read_ollama_chat(const Json& body, OllamaExtras& extras, Problem& problem) {
  Fields fields(body, "", problem);
  GenerationRequest request;
  read_ollama_common(fields, request, extras);
  const Json* messages = fields.array("messages");
  extras.load_only = messages == nullptr || messages->empty();
  ChatPrompt chat;
  read_think(fields, chat);
  if (!extras.load_only) chat.messages = read_ollama_messages(fields, "messages");
  request.prompt = std::move(chat);
  request.tools = read_tools(fields);
  fields.finish();
  return request;
}

EmbeddingRequest read_ollama_embed(const Json& body, bool legacy, Problem& problem) {
  Fields fields(body, "", problem);
  EmbeddingRequest request;
  request.model = fields.text("model");
  const char* name = legacy ? "prompt" : "input";
  if (const Json* input = fields.find(name)) {
    request.inputs = read_plain_prompts(*input, name, problem);
  } else {
    fields.wrong(name, fmt::format("{} is missing; give text", name), "missing_field");
  }
  request.dimensions = fields.integer("dimensions", 0, 1, 1 << 20);
  request.truncate = fields.boolean("truncate", true);
  fields.ignore({"options", "keep_alive"});
  fields.finish();
  return request;
}

}  // namespace verge::serve::api
