#include <algorithm>

#include <verge/engine/model/file_facts.hpp>
#include <verge/stages/serve/chat/conversation.hpp>

namespace verge::serve {
namespace {

constexpr size_t kMaxSaved = size_t{64} << 20;

bool is_message(const nlohmann::ordered_json& entry) {
  return entry.is_object() && entry.contains("role") && entry["role"].is_string() &&
         entry.contains("content") && entry["content"].is_string();
}

nlohmann::ordered_json message(std::string_view role, std::string_view text) {
  return nlohmann::ordered_json::object({{"role", role}, {"content", text}});
}

}  // namespace

Result<Conversation> Conversation::start(const model::LanguageModel& model) {
  VERGE_TRY(const auto source, model::read_chat_template(model.source().metadata));
  if (!source) return Conversation(model, text::ChatTemplate::chatml(), false);
  VERGE_TRY(text::ChatTemplate chat, text::ChatTemplate::parse(*source));
  return Conversation(model, std::move(chat), true);
}

void Conversation::set_system(std::string_view text) {
  const bool has_system = !messages_.empty() && messages_[0]["role"] == "system";
  if (has_system) messages_.erase(0);
  if (!text.empty()) messages_.insert(messages_.begin(), message("system", text));
}

void Conversation::add(std::string_view role, std::string_view text) {
  messages_.push_back(message(role, text));
}

void Conversation::drop_last() {
  VERGE_CHECK(!messages_.empty());
  messages_.erase(messages_.size() - 1);
}

void Conversation::clear() {
  const bool has_system = !messages_.empty() && messages_[0]["role"] == "system";
  while (messages_.size() > (has_system ? 1u : 0u)) drop_last();
}

nlohmann::ordered_json Conversation::harmless() const {
  nlohmann::ordered_json messages = messages_;
  for (auto& message : messages) {
    message["content"] = control_.harmless(message["content"].get<std::string>());
  }
  return messages;
}

Result<std::vector<int32_t>> Conversation::prompt() const {
  return template_.tokens(model_->tokenizer(), harmless());
}

Result<std::string> Conversation::text() const {
  const text::Vocabulary& vocabulary = model_->tokenizer().vocabulary();
  text::RenderOptions options;
  options.bos_token = model_->tokenizer().piece(vocabulary.bos);
  options.eos_token = model_->tokenizer().piece(vocabulary.eos);
  return template_.render(harmless(), options);
}

Status Conversation::save(const std::string& path) const {
  using Json = nlohmann::ordered_json;
  return write_whole_file(path,
                          messages_.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Status Conversation::load(const std::string& path) {
  VERGE_TRY(const std::string text, read_whole_file(path, kMaxSaved));
  auto messages = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!messages.is_array() || !std::ranges::all_of(messages, is_message)) {
    return make_error(Code::Malformed,
                      "{}: not a saved conversation, an array of {{\"role\", \"content\"}}; give a "
                      "file that /save wrote",
                      path);
  }
  messages_ = std::move(messages);
  return {};
}

std::span<const int32_t> unseen(runtime::Session& session, std::span<const int32_t> prompt) {
  const auto [seen, ours] = std::ranges::mismatch(session.tokens(), prompt);
  int64_t shared = ours - prompt.begin();
  if (shared == static_cast<int64_t>(prompt.size()) && shared > 0) --shared;  // for its logits
  session.truncate(shared);
  return prompt.subspan(static_cast<size_t>(shared));
}

}  // namespace verge::serve
