#pragma once
// CallSyntax: how a family of models writes the calls of tools.

#include <span>
#include <string_view>

namespace verge::serve::api {

enum class CallSyntax { Hermes, Mistral, Llama3 };

/// Around a call in the syntax of Hermes.
inline constexpr std::string_view kCallOpen = "<tool_call>", kCallClose = "</tool_call>";

/// By the model's chat template: what it says of calls that were made before. Hermes where it says
/// nothing.
CallSyntax call_syntax_of(std::string_view chat_template);

/// What a call begins with.
std::string_view opening_of(CallSyntax syntax);

/// Every tag of the syntax: in many vocabularies these are control tokens, which show no text
/// unless asked for.
std::span<const std::string_view> tags_of(CallSyntax syntax);

}  // namespace verge::serve::api
