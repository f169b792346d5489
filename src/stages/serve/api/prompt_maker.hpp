#pragma once
// PromptMaker: what a client says to the tokens that a model reads: its chat template, its tools,
// and no control token that a user wrote himself.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/text/chat_template.hpp>
#include <verge/engine/text/control_tokens.hpp>
#include <verge/engine/text/tokenizer.hpp>
#include <verge/stages/serve/api/call_syntax.hpp>
#include <verge/stages/serve/api/generation_request.hpp>
#include <verge/stages/serve/api/reasoning.hpp>

namespace verge::serve::api {

/// Immutable once made: any thread.
class PromptMaker {
 public:
  /// `chat_template`: of the model's file; without one ChatML is used. Malformed for one that is no
  /// template.
  static Result<PromptMaker> make(std::shared_ptr<const text::Tokenizer> tokenizer,
                                  std::optional<std::string_view> chat_template);

  /// The conversation up to where the assistant speaks. Tools go to the template where it reads
  /// them, else into the system message in the form of Hermes. A call that is forced is begun with
  /// "<tool_call>" where the template speaks of it and has not opened a block of reasoning, behind
  /// which the call comes. InvalidArgument when the template refuses the messages.
  Result<TokenIds> chat(const ChatPrompt& prompt, const ToolUse& tools, int64_t now_unix_s) const;

  /// Text as `verge run` reads it; token ids as they are. InvalidArgument for an id outside of the
  /// vocabulary and for no tokens at all.
  Result<TokenIds> plain(const PlainPrompt& prompt) const;

  /// How the model writes calls, by its template.
  CallSyntax call_syntax() const { return call_syntax_; }
  /// How it writes what it thinks, by its template, if it does.
  const std::optional<ReasoningTags>& reasoning() const { return reasoning_; }
  /// Whether a prompt ends within a block of reasoning that the template opened.
  bool begins_reasoning(const TokenIds& prompt) const;
  /// Control tokens that are tags of reasoning and (`calls`) of calls: to be shown in an answer.
  const std::vector<int32_t>& tag_tokens(bool calls) const {
    return calls ? all_tags_ : reasoning_tags_;
  }

  /// A token is never longer, in bytes.
  size_t longest_piece() const { return longest_piece_; }
  bool has_own_template() const { return has_own_template_; }
  /// Whether the model's own template knows tools.
  bool reads_tools() const { return reads_tools_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  std::shared_ptr<const text::Tokenizer> shared_tokenizer() const { return tokenizer_; }

 private:
  PromptMaker(std::shared_ptr<const text::Tokenizer> tokenizer, text::ChatTemplate chat);
  Json harmless_json(const Json& json) const;
  void find_tags();

  std::shared_ptr<const text::Tokenizer> tokenizer_;
  text::ControlTokens control_;
  text::ChatTemplate template_;
  bool has_own_template_ = false;
  bool reads_tools_ = false;
  CallSyntax call_syntax_ = CallSyntax::Hermes;
  std::optional<ReasoningTags> reasoning_;
  std::vector<int32_t> reasoning_tags_, all_tags_;
  bool writes_tool_call_tags_ = true;
  size_t longest_piece_ = 1;
};

/// How a model without a template for tools is told of them.
std::string describe_tools(const Json& declared);

}  // namespace verge::serve::api
