#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/answer_facts.hpp>

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

std::string_view stop_type(StopReason reason) {
  if (reason == StopReason::EndOfText) return "eos";
  return reason == StopReason::StopString ? "word" : "limit";
}

// llama-server's /completion: one object, or events of which the last has "stop": true.
class LlamaRenderer : public AnswerRenderer {
 public:
  explicit LlamaRenderer(AnswerMeta meta) : meta_(std::move(meta)) {}

  std::string_view stream_type() const override { return "text/event-stream"; }
  std::string opening(size_t) override { return ""; }
  std::string piece(size_t choice, const Delta& delta) override {
    Json json = {{"index", choice}, {"content", delta.text}, {"stop", false}};
    add_origins(json, delta.origins);
    return event_of(json);
  }
  std::string ending(size_t choice, const Choice& whole) override {
    return event_of(end_json(choice, whole, ""));
  }
  std::string closing(const Answers&) override { return ""; }
  std::string failure(const ApiError& error) override {
    return event_of(openai_error(error, meta_.id));
  }
  std::string whole(const Answers& answers) override {
    Json all = Json::array();
    for (size_t i = 0; i < answers.choices.size(); ++i) {
      all.push_back(end_json(i, answers.choices[i], answers.choices[i].text));
    }
    return line_of(all.size() == 1 ? all[0] : all);
  }

 private:
  Json end_json(size_t index, const Choice& choice, const std::string& text) const {
    Json json = {{"index", index},
                 {"content", text},
                 {"id_slot", 0},
                 {"stop", true},
                 {"model", meta_.model},
                 {"tokens_predicted", choice.usage.answer_tokens},
                 {"tokens_evaluated", choice.usage.prompt_tokens},
                 {"tokens_cached", choice.usage.cached_tokens},
                 {"truncated", false},
                 {"stop_type", stop_type(choice.reason)},
                 {"timings", timings_json(choice)}};
    add_origins(json, choice.origins);
    add_places(json, choice.usage);
    return json;
  }

  AnswerMeta meta_;
};

}  // namespace

std::unique_ptr<AnswerRenderer> llama_completion_renderer(AnswerMeta meta) {
  return std::make_unique<LlamaRenderer>(std::move(meta));
}

}  // namespace verge::serve::api
