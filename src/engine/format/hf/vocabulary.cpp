#include <cmath>
#include <filesystem>

#include <verge/core/file.hpp>
#include <verge/engine/format/hf/vocabulary.hpp>

namespace verge::format {
namespace {

constexpr size_t kMaxTemplate = 1 << 20;

Result<JsonObject> open_if_exists(const std::string& path) {
  if (!std::filesystem::exists(path)) return JsonObject::parse("{}", path);
  return JsonObject::open(path);
}

/// Token ids under `key`: a number or a list of them.
Result<std::vector<uint32_t>> token_ids(const JsonObject& object, const std::string& key) {
  VERGE_TRY(const std::vector<double> numbers, object.reals(key));
  std::vector<uint32_t> ids;
  for (double number : numbers) {
    if (!(number >= 0 && number < 0x1p31) || number != std::floor(number)) {
      return make_error(Code::Malformed, "{}: field {} is {}, expected a token's number",
                        object.path(), key, number);
    }
    ids.push_back(static_cast<uint32_t>(number));
  }
  return ids;
}

Status read_special_tokens(const JsonObject& config, const JsonObject& generation,
                           Metadata& metadata) {
  for (const std::string name : {"bos_token_id", "eos_token_id"}) {
    VERGE_TRY(std::vector<uint32_t> ids, token_ids(generation, name));
    if (ids.empty()) {
      VERGE_TRY(ids, token_ids(config, name));
    }
    if (ids.empty()) continue;
    metadata.set("tokenizer.ggml." + name, ids.front());
    if (name == "eos_token_id" && ids.size() > 1) {
      metadata.set_array<uint32_t>("verge.eos_token_ids", ids);
    }
  }
  return {};
}

/// The template itself, or the one named "default" of a list of {name, template}.
Status read_template(const JsonObject& tokenizer, Metadata& metadata) {
  const auto found = tokenizer.json().find("chat_template");
  if (found == tokenizer.json().end() || found->is_null()) return {};
  if (found->is_string()) {
    metadata.set("tokenizer.chat_template", found->get<std::string>());
    return {};
  }
  if (found->is_array()) {
    for (const nlohmann::json& item : *found) {
      if (!item.is_object() || item.value("name", nlohmann::json()) != "default") continue;
      const nlohmann::json text = item.value("template", nlohmann::json());
      if (!text.is_string()) break;
      metadata.set("tokenizer.chat_template", text.get<std::string>());
      return {};
    }
  }
  return make_error(Code::Malformed,
                    "{}: field chat_template is neither a string nor a list with one named "
                    "default; fetch it again",
                    tokenizer.path());
}

}  // namespace

Status read_vocabulary(const std::string& folder, const JsonObject& config, ModelSource& source) {
  const std::string vocabulary = folder + "/tokenizer.json";
  if (std::filesystem::exists(vocabulary)) source.tokenizer_json = vocabulary;
  VERGE_TRY(const JsonObject generation, open_if_exists(folder + "/generation_config.json"));
  VERGE_RETURN_IF_ERROR(read_special_tokens(config, generation, source.metadata));
  VERGE_TRY(const JsonObject tokenizer, open_if_exists(folder + "/tokenizer_config.json"));
  VERGE_TRY(const std::optional<bool> add_bos, tokenizer.flag("add_bos_token"));
  if (add_bos) source.metadata.set("tokenizer.ggml.add_bos_token", *add_bos);
  const std::string jinja = folder + "/chat_template.jinja";
  if (!std::filesystem::exists(jinja)) return read_template(tokenizer, source.metadata);
  VERGE_TRY(const std::string text, read_whole_file(jinja, kMaxTemplate));
  source.metadata.set("tokenizer.chat_template", text);
  return {};
}

}  // namespace verge::format
