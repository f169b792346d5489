#include <algorithm>

#include <verge/stages/serve/api/answer_facts.hpp>
#include <verge/stages/serve/api/prompt_maker.hpp>

namespace verge::serve::api {
namespace {

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
        content += fmt::format("{}{}\n{}\n{}", content.empty() ? "" : "\n", kCallOpen,
                               line_of(call["function"]), kCallClose);
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
  return text + fmt::format(R"(To call one, write {}{{"name": NAME, "arguments": {{...}}}}{})",
                            kCallOpen, kCallClose);
}

PromptMaker::PromptMaker(std::shared_ptr<const text::Tokenizer> tokenizer, text::ChatTemplate chat)
    : tokenizer_(std::move(tokenizer)), control_(*tokenizer_), template_(std::move(chat)) {
  for (int32_t token = 0; token < tokenizer_->size(); ++token) {
    longest_piece_ = std::max(longest_piece_, tokenizer_->piece(token).size());
  }
}

Result<PromptMaker> PromptMaker::make(std::shared_ptr<const text::Tokenizer> tokenizer,
                                      std::optional<std::string_view> chat_template) {
  if (!chat_template) {
    PromptMaker maker(std::move(tokenizer), text::ChatTemplate::chatml());
    maker.find_tags();
    return maker;
  }
  VERGE_TRY(text::ChatTemplate chat, text::ChatTemplate::parse(*chat_template));
  PromptMaker maker(std::move(tokenizer), std::move(chat));
  maker.has_own_template_ = true;
  maker.reads_tools_ = maker.template_.reads("tools");
  maker.writes_tool_call_tags_ =
      !maker.reads_tools_ || chat_template->find(kCallOpen) != std::string_view::npos;
  if (maker.reads_tools_) maker.call_syntax_ = call_syntax_of(*chat_template);
  maker.reasoning_ = reasoning_tags_of(*chat_template);
  maker.find_tags();
  return maker;
}

void PromptMaker::find_tags() {
  for (int32_t token = 0; token < tokenizer_->size(); ++token) {
    if (!tokenizer_->is_special(token)) continue;
    const std::string_view piece = tokenizer_->piece(token);
    if (reasoning_ && (piece == reasoning_->open || piece == reasoning_->close)) {
      reasoning_tags_.push_back(token);
      all_tags_.push_back(token);
    } else if (std::ranges::count(tags_of(call_syntax_), piece) > 0) {
      all_tags_.push_back(token);
    }
  }
}

bool PromptMaker::begins_reasoning(const TokenIds& prompt) const {
  if (!reasoning_) return false;
  constexpr size_t kMost = 16;  // tokens of a tag and the white space behind it
  const size_t count = std::min(prompt.size(), kMost);
  std::string end = tokenizer_->decode(std::span(prompt).last(count), {.show_special = true});
  end.erase(end.find_last_not_of(" \t\r\n") + 1);
  return end.ends_with(reasoning_->open);
}

Result<TokenIds> PromptMaker::chat(const ChatPrompt& prompt, const ToolUse& tools,
                                   int64_t now_unix_s) const {
  Json messages = harmless_json(prompt.messages);
  text::RenderOptions options{.extra = harmless_json(prompt.template_variables),
                              .now_unix_s = now_unix_s};
  for (const auto& [name, value] : prompt.hints.items()) {  // where the template reads them
    if (!template_.reads(name)) continue;
    if (options.extra.is_null()) options.extra = Json::object();
    if (!options.extra.contains(name)) options.extra[name] = harmless_json(value);
  }
  Json declared = tools.is_possible() ? harmless_json(tools.declared) : Json();
  if (!reads_tools_) {
    write_out_calls(messages);
    if (!declared.is_null()) add_to_system(messages, describe_tools(declared));
  } else {
    options.tools = std::move(declared);
  }
  auto tokens = template_.tokens(*tokenizer_, messages, options);
  const bool begins_call = tools.is_possible() && tools.is_forced() && writes_tool_call_tags_;
  if (tokens && begins_call && !begins_reasoning(*tokens)) {
    tokens =
        template_.tokens(*tokenizer_, messages, std::move(options), fmt::format("{}\n", kCallOpen));
  }
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
