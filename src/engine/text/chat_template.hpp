#pragma once
// ChatTemplate: a conversation to the prompt that a model was trained on, by the Jinja template in
// the model's file, rendered as Hugging Face renders it (trim_blocks, lstrip_blocks, immutable).
//
//   VERGE_TRY(ChatTemplate chat, ChatTemplate::parse(metadata.at("tokenizer.chat_template")));
//   VERGE_TRY(std::string prompt, chat.render(messages, {.bos_token = "<s>"}));

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <verge/core/result.hpp>

namespace verge::text {

class Tokenizer;

struct RenderOptions {
  bool add_generation_prompt = true;  // end with the opening of the assistant's turn
  std::string bos_token = {};         // as text; empty if the model has none
  std::string eos_token = {};
  nlohmann::ordered_json tools = {};      // array of JSON schemas, or null
  nlohmann::ordered_json documents = {};  // array, or null
  nlohmann::ordered_json extra = {};  // object of further variables (enable_thinking ...), or null
  /// Seconds since 1970 in the time zone to show, for templates that write the date. Without it
  /// they use the date they hold themselves, or fail if they hold none.
  std::optional<int64_t> now_unix_s = {};
};

/// Immutable after parse, so threads may share it; copies are cheap.
class ChatTemplate {
 public:
  /// Malformed, with line and column, if the text is no template.
  static Result<ChatTemplate> parse(std::string_view text);

  /// The plain default for a model whose file has no template: ChatML, as in Qwen and many others,
  /// without a system message of its own.
  static const ChatTemplate& chatml();

  /// `messages`: array of {"role", "content", ...} as in the OpenAI API. Malformed, with line and
  /// column, if the template fails (its raise_exception included) or takes more steps, memory or
  /// depth than a template can need.
  Result<std::string> render(const nlohmann::ordered_json& messages,
                             const RenderOptions& options = {}) const;

  /// The tokens of what render() gives with the tokenizer's bos and eos, whatever `options` has,
  /// and of `begun`, how the answer begins. A bos that the template writes is not doubled.
  Result<std::vector<int32_t>> tokens(const Tokenizer& tokenizer,
                                      const nlohmann::ordered_json& messages,
                                      RenderOptions options = {},
                                      std::string_view begun = {}) const;

  /// Whether the template reads this variable anywhere: "tools" tells if it can call tools.
  bool reads(std::string_view variable) const;

 private:
  struct Parsed;
  explicit ChatTemplate(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace verge::text
