#include <set>

#include <verge/engine/text/chat_template.hpp>
#include <verge/engine/text/jinja/evaluator.hpp>
#include <verge/engine/text/jinja/lexer.hpp>
#include <verge/engine/text/jinja/parser.hpp>
#include <verge/engine/text/tokenizer.hpp>

namespace verge::text {
namespace {

constexpr std::string_view kChatml =
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

constexpr size_t kMaxTemplateBytes = size_t{1} << 20;  // the longest in use are about 30 KB

Error placed(const jinja::TemplateError& error) {
  return make_error(Code::Malformed, "chat template: line {}, column {}: {}", error.at.line,
                    error.at.column, error.message);
}

jinja::Variables variables(jinja::Run& run, const nlohmann::ordered_json& messages,
                           const RenderOptions& options) {
  const auto value = [&](const nlohmann::ordered_json& json) {
    return jinja::Value::from_json(run, json);
  };
  jinja::Variables all = {
      {"messages", value(messages)},    {"add_generation_prompt", options.add_generation_prompt},
      {"bos_token", options.bos_token}, {"eos_token", options.eos_token},
      {"tools", value(options.tools)},  {"documents", value(options.documents)}};
  if (options.extra.is_object()) {
    for (const auto& [name, json] : options.extra.items()) all.emplace_back(name, value(json));
  }
  return all;
}

}  // namespace

struct ChatTemplate::Parsed {
  jinja::Block block;
  std::set<std::string, std::less<>> names;
};

Result<ChatTemplate> ChatTemplate::parse(std::string_view text) {
  if (text.size() > kMaxTemplateBytes) {
    return make_error(Code::Malformed, "chat template: {} bytes; at most {} are read", text.size(),
                      kMaxTemplateBytes);
  }
  try {
    jinja::Run run{jinja::Limits{}};
    auto parsed = std::make_shared<Parsed>();
    parsed->block = jinja::parse(run, text);
    for (jinja::Token& token : jinja::tokenize(run, text)) {
      if (token.kind == jinja::TokenKind::Name) parsed->names.insert(std::move(token.text));
    }
    return ChatTemplate(std::move(parsed));
  } catch (const jinja::TemplateError& error) {
    return placed(error);
  }
}

const ChatTemplate& ChatTemplate::chatml() {
  static const ChatTemplate chatml = parse(kChatml).value();
  return chatml;
}

Result<std::string> ChatTemplate::render(const nlohmann::ordered_json& messages,
                                         const RenderOptions& options) const {
  try {
    jinja::Run run{jinja::Limits{}};
    return jinja::evaluate(run, parsed_->block, variables(run, messages, options),
                           options.now_unix_s);
  } catch (const jinja::TemplateError& error) {
    return placed(error);
  }
}

Result<std::vector<int32_t>> ChatTemplate::tokens(const Tokenizer& tokenizer,
                                                  const nlohmann::ordered_json& messages,
                                                  RenderOptions options,
                                                  std::string_view begun) const {
  const Vocabulary& vocabulary = tokenizer.vocabulary();
  options.bos_token = tokenizer.piece(vocabulary.bos);
  options.eos_token = tokenizer.piece(vocabulary.eos);
  VERGE_TRY(std::string text, render(messages, options));
  text += begun;
  const bool writes_bos = !options.bos_token.empty() && text.starts_with(options.bos_token);
  return tokenizer.encode(text, {.add_special = !writes_bos, .parse_special = true});
}

bool ChatTemplate::reads(std::string_view variable) const {
  return parsed_->names.contains(variable);
}

}  // namespace verge::text
