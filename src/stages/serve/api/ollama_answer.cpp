#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/answer_facts.hpp>
#include <verge/stages/serve/api/json_body.hpp>

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

int64_t nanoseconds(double seconds) {
  return static_cast<int64_t>(seconds * 1e9);
}

// Ollama answers one choice; its lines are JSON objects.
class OllamaRenderer : public AnswerRenderer {
 public:
  explicit OllamaRenderer(AnswerMeta meta) : meta_(std::move(meta)) {}

  std::string_view stream_type() const override { return "application/x-ndjson"; }
  std::string opening(size_t) override { return ""; }

  std::string piece(size_t, const Delta& delta) override {
    if (delta.empty()) return "";
    Json json = head();
    add_content(json, delta.text, delta.calls, delta.reasoning);
    add_logprobs(json, delta.logprobs);
    add_origins(json, delta.origins);
    json["done"] = false;
    return line_of(json) + "\n";
  }

  std::string ending(size_t, const Choice& whole) override {
    Json json = head();
    add_content(json, "", {}, "");
    add_end(json, whole);
    return line_of(json) + "\n";
  }

  std::string closing(const Answers&) override { return ""; }
  std::string failure(const ApiError& error) override {
    return line_of(ollama_error(error)) + "\n";
  }

  std::string whole(const Answers& answers) override {
    const Choice& choice = answers.choices.front();
    Json json = head();
    add_content(json, choice.text, choice.calls, choice.reasoning);
    add_logprobs(json, choice.logprobs);
    add_origins(json, choice.origins);
    add_end(json, choice);
    return line_of(json);
  }

 protected:
  virtual void add_content(Json& json, const std::string& text, const std::vector<ToolCall>& calls,
                           const std::string& reasoning) const = 0;

 private:
  Json head() const {
    return {{"model", meta_.model}, {"created_at", rfc3339(meta_.created_unix_s)}};
  }

  void add_logprobs(Json& json, const std::vector<TokenLogprobs>& logprobs) const {
    if (!logprobs.empty()) json["logprobs"] = chat_logprobs(*meta_.tokenizer, logprobs);
  }

  static void add_end(Json& json, const Choice& choice) {
    const Timings& timings = choice.timings;
    const std::string_view limit = length_limit(choice);
    json["done"] = true;
    json["done_reason"] = limit.empty() ? "stop" : "length";
    if (!limit.empty()) json["length_limit"] = limit;
    json["total_duration"] = nanoseconds(timings.time_to_first_token_s + timings.decode_s);
    json["load_duration"] = nanoseconds(timings.queued_s);
    json["prompt_eval_count"] = choice.usage.prompt_tokens;
    json["prompt_eval_duration"] = nanoseconds(timings.prefill_s);
    json["eval_count"] = choice.usage.answer_tokens;
    json["eval_duration"] = nanoseconds(timings.decode_s);
    add_places(json, choice.usage);
  }

  AnswerMeta meta_;
};

class OllamaChat : public OllamaRenderer {
 public:
  using OllamaRenderer::OllamaRenderer;

 protected:
  void add_content(Json& json, const std::string& text, const std::vector<ToolCall>& calls,
                   const std::string& reasoning) const override {
    Json& message = json["message"] = {{"role", "assistant"}, {"content", text}};
    if (!reasoning.empty()) message["thinking"] = reasoning;
    for (const ToolCall& call : calls) {
      Json arguments = parse_inner(call.arguments);
      if (!arguments.is_object()) arguments = Json::object();
      message["tool_calls"].push_back(
          {{"function", {{"name", call.name}, {"arguments", std::move(arguments)}}}});
    }
  }
};

class OllamaGenerate : public OllamaRenderer {
 public:
  using OllamaRenderer::OllamaRenderer;

 protected:
  void add_content(Json& json, const std::string& text, const std::vector<ToolCall>&,
                   const std::string& reasoning) const override {
    json["response"] = text;
    if (!reasoning.empty()) json["thinking"] = reasoning;
  }
};

}  // namespace

std::unique_ptr<AnswerRenderer> ollama_chat_renderer(AnswerMeta meta) {
  return std::make_unique<OllamaChat>(std::move(meta));
}

std::unique_ptr<AnswerRenderer> ollama_generate_renderer(AnswerMeta meta) {
  return std::make_unique<OllamaGenerate>(std::move(meta));
}

}  // namespace verge::serve::api
