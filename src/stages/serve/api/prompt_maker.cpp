#include <algorithm>

#include <verge/stages/serve/api/answer_facts.hpp>
#include <verge/stages/serve/api/prompt_maker.hpp>

namespace verge::serve::api {
namespace {

constexpr std::string_view kToolCall = "<tool_call>";

void add_to_system(Json& messages, const std::string& text) {
  const bool has_system = !messages.empty() && messages[0]["role"] == "system";
  if (!has_system) {
    messages.insert(messages.begin(), Json{{"role", "system"}, {"content", text}});
    return;
  }
  Json& content = messages[0]["content"];
  content = content.get<std::string>() + "\n\n" + text;
}

// Templates without tools know neither calls nor their results: both become text.
void write_out_calls(Json& messages) {
  for (Json& message : messages) {
    std::string content = message["content"];
    if (message.contains("tool_calls")) {
      for (const Json& call : message["tool_calls"]) {
        content += fmt::format("{}<tool_call>\n{}\n</tool_call>", content.empty() ? "" : "\n",
                               line_of(call["function"]));
      }
      message.erase("tool_calls");
    }
    if (message["role"] == "tool") {
      message["role"] = "user";
      content = fmt::format("<tool_response>\n{}\n</tool_response>", content);
    }
    message["content"] = std::move(content);
  }
}

}  // namespace

std::string describe_tools(const Json& declared) {
  std::string text = "Functions you may call:\n";
  for (const Json& tool : declared) text += line_of(tool.value("function", Json())) + "\n";
  return text + "To call one, write <tool_call>{\"name\": NAME, \"arguments\": {...}}</tool_call>";
}

PromptMaker::PromptMaker(std::shared_ptr<const text::Tokenizer> tokenizer, text::ChatTemplate chat)
    : tokenizer_(std::move(tokenizer)), control_(*tokenizer_), template_(std::move(chat)) {
  for (int32_t token = 0; token < tokenizer_->size(); ++token) {
    longest_piece_ = std::max(longest_piece_, tokenizer_->piece(token).size());
  }
}

Result<PromptMaker> PromptMaker::make(std::shared_ptr<const text::Tokenizer> tokenizer,
                                      std::optional<std::string_view> chat_template) {
  if (!chat_template) return PromptMaker(std::move(tokenizer), text::ChatTemplate::chatml());
  VERGE_TRY(text::ChatTemplate chat, text::ChatTemplate::parse(*chat_template));
  PromptMaker maker(std::move(tokenizer), std::move(chat));
  maker.has_own_template_ = true;
  maker.reads_tools_ = maker.template_.reads("tools");
  maker.writes_tool_call_tags_ =
      !maker.reads_tools_ || chat_template->find(kToolCall) != std::string_view::npos;
  return maker;
}

Result<TokenIds> PromptMaker::chat(const ChatPrompt& prompt, const ToolUse& tools,
                                   int64_t now_unix_s) const {
  Json messages = harmless_json(prompt.messages);
  text::RenderOptions options{.extra = harmless_json(prompt.template_variables),
                              .now_unix_s = now_unix_s};
  Json declared = tools.is_possible() ? harmless_json(tools.declared) : Json();
  if (!reads_tools_) {
    write_out_calls(messages);
    if (!declared.is_null()) add_to_system(messages, describe_tools(declared));
  } else {
    options.tools = std::move(declared);
  }
  const bool begins_call = tools.is_possible() && tools.is_forced() && writes_tool_call_tags_;
  auto tokens = template_.tokens(*tokenizer_, messages, std::move(options),
                                 begins_call ? "<tool_call>\n" : "");
  if (!tokens) {
    return make_error(Code::InvalidArgument, "the model's chat template refuses the messages: {}",
                      tokens.error().message);
  }
  return tokens;
}

Result<TokenIds> PromptMaker::plain(const PlainPrompt& prompt) const {
  TokenIds tokens;
  if (const auto* text = std::get_if<std::string>(&prompt)) {
    tokens = tokenizer_->encode(*text);
    const text::Vocabulary& vocabulary = tokenizer_->vocabulary();
    const int32_t opening = vocabulary.bos >= 0 ? vocabulary.bos : vocabulary.eos;
    if (tokens.empty() && opening >= 0) tokens = {opening};
  } else {
    tokens = std::get<TokenIds>(prompt);
  }
  for (const int32_t token : tokens) {
    if (token >= 0 && token < tokenizer_->size()) continue;
    return make_error(Code::InvalidArgument, "token {} is none of the model's: give 0 to {}", token,
                      tokenizer_->size() - 1);
  }
  if (tokens.empty()) return make_error(Code::InvalidArgument, "the prompt is empty; give a text");
  return tokens;
}

Json PromptMaker::harmless_json(const Json& json) const {
  if (json.is_string()) return control_.harmless(json.get_ref<const std::string&>());
  if (!json.is_structured()) return json;
  Json safe = json.is_array() ? Json::array() : Json::object();
  for (const auto& [name, value] : json.items()) {
    if (json.is_array()) {
      safe.push_back(harmless_json(value));
    } else {
      safe[control_.harmless(name)] = harmless_json(value);
    }
  }
  return safe;
}

}  // namespace verge::serve::api
