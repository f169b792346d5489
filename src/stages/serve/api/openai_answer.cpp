#include <map>

#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/answer_facts.hpp>

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

// What chat and completions share.
class OpenAiRenderer : public AnswerRenderer {
 public:
  OpenAiRenderer(AnswerMeta meta, std::string_view prefix, std::string_view object)
      : meta_(std::move(meta)), prefix_(prefix), object_(object) {}

  std::string_view stream_type() const override { return "text/event-stream"; }

  std::string closing(const Answers& answers) override {
    std::string text;
    if (meta_.stream_usage) {
      Json last = chunk(Json::array());
      last["usage"] = usage_json(total_usage(answers));
      if (!answers.choices.empty()) last["timings"] = timings_json(answers.choices.front());
      text = event_of(last);
    }
    return text + "data: [DONE]\n\n";
  }

  std::string failure(const ApiError& error) override {
    return event_of(openai_error(error, meta_.id));
  }

  std::string whole(const Answers& answers) override {
    Json choices = Json::array();
    for (size_t i = 0; i < answers.choices.size(); ++i) {
      choices.push_back(whole_choice(i, answers.choices[i]));
    }
    Json body = envelope(object_, std::move(choices));
    body["usage"] = usage_json(total_usage(answers));
    if (!answers.choices.empty()) body["timings"] = timings_json(answers.choices.front());
    return line_of(body);
  }

 protected:
  virtual Json whole_choice(size_t index, const Choice& choice) = 0;
  virtual std::string_view chunk_object() const = 0;

  Json envelope(std::string_view object, Json choices) const {
    return {{"id", std::string(prefix_) + meta_.id}, {"object", object},
            {"created", meta_.created_unix_s},       {"model", meta_.model},
            {"system_fingerprint", "verge"},         {"choices", std::move(choices)}};
  }

  std::string send_choice(Json choice, const Choice* whole,
                          const std::vector<TokenOrigin>& origins) const {
    choice["finish_reason"] = nullptr;
    if (whole != nullptr) finish(choice, *whole);
    Json json = chunk(Json::array({std::move(choice)}));
    add_origins(json, origins);
    return event_of(json);
  }

  void finish(Json& json, const Choice& choice) const {
    add_finish(json, choice);
    if (meta_.legacy_calls && !choice.calls.empty()) json["finish_reason"] = "function_call";
  }

  Json chunk(Json choices) const {
    Json json = envelope(chunk_object(), std::move(choices));
    if (meta_.stream_usage) json["usage"] = nullptr;
    return json;
  }

  AnswerMeta meta_;

 private:
  std::string_view prefix_, object_;
};

class ChatRenderer : public OpenAiRenderer {
 public:
  explicit ChatRenderer(AnswerMeta meta)
      : OpenAiRenderer(std::move(meta), "chatcmpl-", "chat.completion") {}

  std::string opening(size_t choice) override {
    return send(choice, {{"role", "assistant"}, {"content", ""}}, nullptr);
  }

  std::string piece(size_t choice, const Delta& delta) override {
    Json body = Json::object();
    if (!delta.reasoning.empty()) body["reasoning_content"] = delta.reasoning;
    const bool has_more = !delta.calls.empty() || !delta.reasoning.empty();
    if (!delta.text.empty() || !has_more) body["content"] = delta.text;
    add_calls(body, choice, delta.calls, true);
    return send(choice, std::move(body), logprobs_json(delta.logprobs, !delta.logprobs.empty()),
                nullptr, delta.origins);
  }

  std::string ending(size_t choice, const Choice& whole) override {
    return send(choice, Json::object(), nullptr, &whole);
  }

 protected:
  std::string_view chunk_object() const override { return "chat.completion.chunk"; }

  Json whole_choice(size_t index, const Choice& choice) override {
    Json message = {{"role", "assistant"}, {"content", choice.text}, {"refusal", nullptr}};
    if (!choice.calls.empty() && choice.text.empty()) message["content"] = nullptr;
    if (!choice.reasoning.empty()) message["reasoning_content"] = choice.reasoning;
    add_calls(message, index, choice.calls, false);
    Json json = {{"index", index},
                 {"message", std::move(message)},
                 {"logprobs", logprobs_json(choice.logprobs, choice.with_logprobs)}};
    finish(json, choice);
    add_origins(json, choice.origins);
    return json;
  }

 private:
  Json logprobs_json(const std::vector<TokenLogprobs>& logprobs, bool wanted) const {
    if (!wanted) return nullptr;
    return {{"content", chat_logprobs(*meta_.tokenizer, logprobs)}, {"refusal", nullptr}};
  }

  void add_calls(Json& body, size_t choice, const std::vector<ToolCall>& calls, bool streamed) {
    if (calls.empty()) return;
    if (meta_.legacy_calls) {
      body["function_call"] = {{"name", calls[0].name}, {"arguments", calls[0].arguments}};
    } else {
      body["tool_calls"] = calls_json(choice, calls, streamed);
    }
  }

  // Calls of one choice are numbered from its first piece on.
  Json calls_json(size_t choice, const std::vector<ToolCall>& calls, bool streamed) {
    if (called_.size() <= choice) called_.resize(choice + 1);
    Json list = Json::array();
    for (const ToolCall& call : calls) {
      const size_t number = called_[choice]++;
      Json json = streamed ? Json{{"index", number}} : Json::object();
      json["id"] = call_id(meta_, choice, number);
      json["type"] = "function";
      json["function"] = {{"name", call.name}, {"arguments", call.arguments}};
      list.push_back(std::move(json));
    }
    return list;
  }

  // `whole`: with the last of a choice.
  std::string send(size_t choice, Json delta, Json logprobs, const Choice* whole = nullptr,
                   const std::vector<TokenOrigin>& origins = {}) {
    Json json = {{"index", choice}, {"delta", std::move(delta)}, {"logprobs", std::move(logprobs)}};
    return send_choice(std::move(json), whole, origins);
  }

  std::vector<size_t> called_;
};

class CompletionRenderer : public OpenAiRenderer {
 public:
  explicit CompletionRenderer(AnswerMeta meta)
      : OpenAiRenderer(std::move(meta), "cmpl-", "text_completion") {}

  std::string opening(size_t choice) override {
    const std::string text = echoed(choice);
    return text.empty() ? "" : send(choice, text, nullptr);
  }

  std::string piece(size_t choice, const Delta& delta) override {
    return send(choice, delta.text, logprobs_json(choice, delta.logprobs, !delta.logprobs.empty()),
                nullptr, delta.origins);
  }

  std::string ending(size_t choice, const Choice& whole) override {
    return send(choice, "", nullptr, &whole);
  }

 protected:
  std::string_view chunk_object() const override { return "text_completion"; }

  Json whole_choice(size_t index, const Choice& choice) override {
    Json json = {{"index", index},
                 {"text", echoed(index) + choice.text},
                 {"logprobs", whole_logprobs(index, choice)}};
    finish(json, choice);
    add_origins(json, choice.origins);
    return json;
  }

 private:
  std::string echoed(size_t choice) const {
    const size_t prompt = choice / meta_.choices_per_prompt;
    return prompt < meta_.echoed.size() ? meta_.echoed[prompt] : std::string();
  }

  // Those of an echoed prompt stand before those of the answer.
  Json whole_logprobs(size_t index, const Choice& choice) {
    const size_t prompt = index / meta_.choices_per_prompt;
    if (prompt >= meta_.first_tokens.size()) {
      return logprobs_json(index, choice.logprobs, choice.with_logprobs);
    }
    int64_t offset = 0;
    Json json = prompt_logprobs(*meta_.tokenizer, meta_.first_tokens[prompt],
                                choice.prompt_logprobs, offset);
    const Json answer = logprobs_json(index, choice.logprobs, true);
    for (auto& [name, list] : json.items()) {
      for (const Json& value : answer[name]) list.push_back(value);
    }
    return json;
  }

  Json logprobs_json(size_t choice, const std::vector<TokenLogprobs>& logprobs, bool wanted) {
    if (!wanted) return nullptr;
    const auto known = offsets_.try_emplace(choice, characters_of(echoed(choice)));
    return completion_logprobs(*meta_.tokenizer, logprobs, known.first->second);
  }

  std::string send(size_t choice, const std::string& text, Json logprobs,
                   const Choice* whole = nullptr, const std::vector<TokenOrigin>& origins = {}) {
    Json json = {{"index", choice}, {"text", text}, {"logprobs", std::move(logprobs)}};
    return send_choice(std::move(json), whole, origins);
  }

  std::map<size_t, int64_t> offsets_;
};

}  // namespace

std::unique_ptr<AnswerRenderer> openai_chat_renderer(AnswerMeta meta) {
  return std::make_unique<ChatRenderer>(std::move(meta));
}

std::unique_ptr<AnswerRenderer> openai_completion_renderer(AnswerMeta meta) {
  return std::make_unique<CompletionRenderer>(std::move(meta));
}

}  // namespace verge::serve::api
