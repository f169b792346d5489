#include <gtest/gtest.h>

#include <verge/stages/serve/api/call_syntax.hpp>

namespace verge::serve::api {
namespace {

TEST(CallSyntax, IsThatOfTheTemplate) {
  const std::pair<std::string_view, CallSyntax> cases[] = {
      {"{{ '<tool_call>' }}", CallSyntax::Hermes},
      {"{{ '[AVAILABLE_TOOLS]' }}{{ '[TOOL_CALLS]' }}", CallSyntax::Mistral},
      {"{{ '<|python_tag|>' }}", CallSyntax::Llama3},
      {R"(<|start_header_id|> {"name": function name, "parameters": dictionary})",
       CallSyntax::Llama3},
      {"<|start_header_id|>{{ m.role }}", CallSyntax::Hermes},
      {"", CallSyntax::Hermes}};
  for (const auto& [text, syntax] : cases) EXPECT_EQ(call_syntax_of(text), syntax) << text;
  EXPECT_EQ(opening_of(CallSyntax::Mistral), "[TOOL_CALLS]");
}

}  // namespace
}  // namespace verge::serve::api
