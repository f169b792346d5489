#pragma once
// Conversation: the messages so far, and the prompt that the model's chat template makes of them.
// One thread at a time; must not outlive the model.
//
//   VERGE_TRY(Conversation chat, Conversation::start(*model));
//   chat.add("user", "Hello");
//   VERGE_TRY(std::vector<int32_t> prompt, chat.prompt());
//   const auto fresh = unseen(session, prompt);      // only these are appended to the session
//   chat.add("assistant", answer);

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <verge/engine/model/language_model.hpp>
#include <verge/engine/text/chat_template.hpp>
#include <verge/engine/text/control_tokens.hpp>

namespace verge::serve {

class Conversation {
 public:
  /// Takes the template of the file's tokenizer.chat_template, or ChatML if there is none.
  static Result<Conversation> start(const model::LanguageModel& model);

  /// Whether the file has a template of its own; without one the model may not have learnt to chat.
  bool has_own_template() const { return has_own_template_; }

  /// Sets, replaces or (empty) removes the system message that stands before all others.
  void set_system(std::string_view text);
  /// Appends a message of "user" or "assistant".
  void add(std::string_view role, std::string_view text);
  /// Takes the last message back.
  void drop_last();
  /// Forgets all messages but the system's.
  void clear();
  const nlohmann::ordered_json& messages() const { return messages_; }

  /// The tokens of the whole conversation up to where the assistant speaks. Control tokens come
  /// from the template alone: their text in a message is broken by a zero-width space. Fails as
  /// ChatTemplate::render does.
  Result<std::vector<int32_t>> prompt() const;
  /// What prompt() gives the tokens of, for who runs only what is new of it.
  Result<std::string> text() const;

  /// The messages as a JSON array, whole or not at all; load() replaces those there are. Fails with
  /// Malformed for a file that is not such an array.
  Status save(const std::string& path) const;
  Status load(const std::string& path);

 private:
  Conversation(const model::LanguageModel& model, text::ChatTemplate chat, bool own)
      : model_(&model),
        control_(model.tokenizer()),
        template_(std::move(chat)),
        has_own_template_(own) {}

  nlohmann::ordered_json harmless() const;

  const model::LanguageModel* model_;
  text::ControlTokens control_;
  text::ChatTemplate template_;
  bool has_own_template_;
  nlohmann::ordered_json messages_ = nlohmann::ordered_json::array();
};

/// Truncates the session to what it shares with `prompt` and returns the rest, at least one token
/// of a prompt that is not empty: the work left to do.
std::span<const int32_t> unseen(runtime::Session& session, std::span<const int32_t> prompt);

}  // namespace verge::serve
