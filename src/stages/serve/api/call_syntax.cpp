#include <array>

#include <verge/stages/serve/api/call_syntax.hpp>

namespace verge::serve::api {
namespace {

constexpr std::array<std::string_view, 2> kHermes = {kCallOpen, kCallClose};
constexpr std::array<std::string_view, 3> kMistral = {"[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"};
constexpr std::array<std::string_view, 1> kLlama3 = {"<|python_tag|>"};

}  // namespace

CallSyntax call_syntax_of(std::string_view chat_template) {
  const auto says = [&](std::string_view word) {
    return chat_template.find(word) != std::string_view::npos;
  };
  if (says(kMistral[0])) return CallSyntax::Mistral;
  if (says(kHermes[0])) return CallSyntax::Hermes;
  const bool is_llama = says("<|start_header_id|>") && says("\"parameters\"");
  return says(kLlama3[0]) || is_llama ? CallSyntax::Llama3 : CallSyntax::Hermes;
}

std::span<const std::string_view> tags_of(CallSyntax syntax) {
  switch (syntax) {
    case CallSyntax::Mistral:
      return kMistral;
    case CallSyntax::Llama3:
      return kLlama3;
    case CallSyntax::Hermes:
      return kHermes;
  }
  return kHermes;
}

std::string_view opening_of(CallSyntax syntax) {
  return tags_of(syntax)[0];
}

}  // namespace verge::serve::api
