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
  enum class Kind { Text, JsonObject, JsonSchema, Gbnf, Regex };
  Kind kind = Kind::Text;
  Json schema = {};                       // of JsonSchema
  std::string grammar = {};               // of Gbnf and Regex
  std::string param = "response_format";  // the field that asked for it
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
  bool only_one = false;   // call in an answer
  bool is_legacy = false;  // asked for as OpenAI's `functions`, and answered so
  bool is_possible() const { return choice != ToolChoice::None && !tools.empty(); }
  bool is_forced() const { return choice == ToolChoice::Required || choice == ToolChoice::Named; }
};

/// A conversation for the model's chat template.
struct ChatPrompt {
  Json messages = Json::array();  // {"role", "content", ...} as templates read them
  Json template_variables = {};   // further ones, as enable_thinking; an object or null
  Json hints = Json::object();    // the same, for templates that read them: reasoning_effort ...
};

using TokenIds = std::vector<int32_t>;
/// Text is tokenized with the vocabulary's own opening; token ids are taken as they are.
using PlainPrompt = std::variant<std::string, TokenIds>;

struct GenerationRequest {
  std::string model;
  std::variant<std::vector<PlainPrompt>, ChatPrompt> prompt;
  text::SamplerOptions sampling;
  bool is_default_penalty = false;  // the protocol's: nobody asked for it
  std::optional<uint64_t> seed;
  std::optional<int64_t> max_tokens;  // unset: until the context is full
  std::vector<std::string> stop;
  std::vector<int32_t> stop_tokens;
  bool include_stop = false;  // what ended the answer stands at its end
  int64_t min_tokens = 0;     // nothing but a constraint ends it before
  bool ignore_end = false;
  int64_t least_context = 0;       // that the model must have, in tokens
  int choices = 1;                 // answers to each prompt
  int top_logprobs = -1;           // -1: none; 0: of the chosen token; k: and of the k likeliest
  bool echo = false;               // the prompt stands before the answer
  bool separate_reasoning = true;  // from the answer
  bool show_reasoning = true;
  std::optional<double> timeout_s;  // unset: none
  std::string cache_salt;           // as of serve::Request
  bool stream = false;
  bool stream_usage = false;
  OutputFormat format;
  ToolUse tools;
};

}  // namespace verge::serve::api
