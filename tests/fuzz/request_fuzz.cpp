// Any bytes as the body of a request, through every reader and the text of a tool call: it may be
// refused, but not crash, hang or leak.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/access/key_file.hpp>
#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/ollama_request.hpp>
#include <verge/stages/serve/api/openai_request.hpp>
#include <verge/stages/serve/api/reasoning.hpp>
#include <verge/stages/serve/api/tool_calls.hpp>
#include <verge/stages/serve/api/tool_fields.hpp>

namespace {

using namespace verge::serve::api;

void read_all(const Json& body) {
  const auto openai = [&](auto reader) {
    Problem problem;
    const auto request = reader(body, problem);
    if constexpr (requires { request.tools; }) (void)call_schema(request.tools);
    if (problem) (void)openai_error(problem.error(), "r").dump();
  };
  openai(read_chat_request);
  openai(read_completion_request);
  openai(read_llama_completion);
  openai(read_embedding_request);
  OllamaExtras extras;
  openai(
      [&](const Json& json, Problem& problem) { return read_ollama_chat(json, extras, problem); });
  openai([&](const Json& json, Problem& problem) {
    return read_ollama_generate(json, extras, problem);
  });
  openai(
      [&](const Json& json, Problem& problem) { return read_ollama_embed(json, true, problem); });
}

template <typename Reader>
void read_in_halves(Reader& reader, std::string_view text) {
  (void)reader.push(text.substr(0, text.size() / 2));
  (void)reader.push(text.substr(text.size() / 2));
  (void)reader.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Problem problem;
  const Json body = parse_body(text, problem);
  if (!problem) read_all(body);
  (void)KeyFile::parse(text, "keys.json").ok();
  for (const CallSyntax syntax : {CallSyntax::Hermes, CallSyntax::Mistral, CallSyntax::Llama3}) {
    for (const bool forced : {false, true}) {
      ToolCallReader calls({"f", "g"}, {.syntax = syntax, .forced = forced});
      read_in_halves(calls, text);
    }
    ReasoningReader reasoning(*reasoning_tags_of("<think>"), syntax == CallSyntax::Llama3);
    read_in_halves(reasoning, text);
  }
  return 0;
}
