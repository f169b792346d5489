#pragma once
// GenerationRequest: what any of the generating routes asks for, in the engine's terms.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include <verge/engine/text/sampler.hpp>

namespace verge::serve::api {

using Json = nlohmann::ordered_json;

/// What the answer must look like.
struct OutputFormat {
  enum class Kind { Text, JsonObject, JsonSchema, Gbnf };
  Kind kind = Kind::Text;
  Json schema = {};          // of JsonSchema
  std::string grammar = {};  // of Gbnf
};

struct Tool {
  std::string name;
  Json parameters;  // JSON schema of the arguments
};

enum class ToolChoice { None, Auto, Required, Named };

struct ToolUse {
  std::vector<Tool> tools = {};
  Json declared = {};  // the array as it came, for the model's template
  ToolChoice choice = ToolChoice::None;
  std::string named = {};  // of ToolChoice::Named
  bool is_possible() const { return choice != ToolChoice::None && !tools.empty(); }
  bool is_forced() const { return choice == ToolChoice::Required || choice == ToolChoice::Named; }
};

/// A conversation for the model's chat template.
struct ChatPrompt {
  Json messages = Json::array();  // {"role", "content", ...} as templates read them
  Json template_variables = {};   // further ones, as enable_thinking; an object or null
};

using TokenIds = std::vector<int32_t>;
/// Text is tokenized with the vocabulary's own opening; token ids are taken as they are.
using PlainPrompt = std::variant<std::string, TokenIds>;

struct GenerationRequest {
  std::string model;
  std::variant<std::vector<PlainPrompt>, ChatPrompt> prompt;
  text::SamplerOptions sampling;
  std::optional<uint64_t> seed;
  std::optional<int64_t> max_tokens;  // unset: until the context is full
  std::vector<std::string> stop;
  bool ignore_end = false;
  int choices = 1;        // answers to each prompt
  int top_logprobs = -1;  // -1: none; 0: of the chosen token; k: and of the k likeliest
  bool echo = false;      // the prompt stands before the answer
  bool stream = false;
  bool stream_usage = false;
  OutputFormat format;
  ToolUse tools;
};

}  // namespace verge::serve::api
