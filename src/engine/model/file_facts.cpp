#include <algorithm>
#include <cctype>

#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/quant/dequantize.hpp>
#include <verge/engine/text/tokenizer_json.hpp>

namespace verge::model {

using format::Metadata;
using format::StoredTensor;
using format::ValueType;

std::string FileFacts::architecture() const {
  return text("general.architecture").value_or("(none given)");
}

std::optional<double> FileFacts::number(std::string_view key) const {
  const std::vector<double> all = numbers(key);
  return all.empty() ? std::nullopt : std::optional(all.front());
}

std::optional<std::string> FileFacts::text(std::string_view key) const {
  const format::Value* value = source_.metadata.find(key);
  if (value == nullptr || value->type != ValueType::String) return std::nullopt;
  return std::string(value->text());
}

std::vector<double> FileFacts::numbers(std::string_view key) const {
  const format::Value* value = source_.metadata.find(key);
  if (value == nullptr) return {};
  if (value->type == ValueType::Array) {
    const auto floats = source_.metadata.get_array<float>(key);
    if (floats) return {floats->begin(), floats->end()};
    const auto whole = source_.metadata.get_array<int64_t>(key);
    return whole ? std::vector<double>(whole->begin(), whole->end()) : std::vector<double>{};
  }
  if (const auto real = source_.metadata.get_f32(key)) return {static_cast<double>(*real)};
  if (const auto whole = source_.metadata.get_i64(key)) return {static_cast<double>(*whole)};
  const auto flag = source_.metadata.get_bool(key);
  return flag ? std::vector<double>{*flag ? 1.0 : 0.0} : std::vector<double>{};
}

std::optional<graph::Type> FileFacts::tensor(std::string_view name) const {
  const StoredTensor* stored = source_.find(name);
  if (stored == nullptr || !stored->dtype) return std::nullopt;
  graph::Type type{*stored->dtype, {}};
  for (int64_t extent : stored->shape.extents()) type.dims.emplace_back(extent);
  return type;
}

std::vector<float> FileFacts::tensor_values(std::string_view name) const {
  const StoredTensor* stored = source_.find(name);
  if (stored == nullptr || !stored->dtype) return {};
  const auto view = stored->view();
  if (!view) return {};
  std::vector<float> values(static_cast<size_t>(view->shape.count()));
  quant::dequantize_row(view->dtype, view->data, values.data(), view->shape.count());
  return values;
}

namespace {

int32_t token_id(const Metadata& metadata, std::string_view key) {
  const auto id = metadata.get_i64(key);
  return id && *id >= 0 && *id <= INT32_MAX ? static_cast<int32_t>(*id) : -1;
}

std::optional<bool> flag(const Metadata& metadata, std::string_view key) {
  const auto value = metadata.get_bool(key);
  return value ? std::optional(*value) : std::nullopt;
}

// Phi-3's special tokens take the white space after them ("rstrip" in its tokenizer.json). GGUF has
// no field for that: the model's name says it, as in llama.cpp.
void strip_after_phi3_tokens(const Metadata& metadata, text::Vocabulary& vocabulary) {
  const auto stored = metadata.get_string("general.name");
  std::string name(stored ? *stored : "");
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name.find("phi-3") == std::string::npos && name.find("phi3") == std::string::npos) return;
  for (size_t id = 0; id < std::min(vocabulary.types.size(), vocabulary.tokens.size()); ++id) {
    const auto type = static_cast<text::TokenType>(vocabulary.types[id]);
    const std::string& token = vocabulary.tokens[id];
    const bool is_special = type == text::TokenType::Control || type == text::TokenType::Unknown ||
                            type == text::TokenType::UserDefined || token == "</s>";
    if (!is_special || token == "<unk>" || token == "<s>" || token == "<|endoftext|>") continue;
    vocabulary.strips_after.push_back(static_cast<int32_t>(id));
  }
}

// The tables of tokenizer.ggml.*.
Result<text::Vocabulary> read_tables(const Metadata& metadata) {
  text::Vocabulary vocabulary;
  VERGE_TRY(vocabulary.model, metadata.get_string("tokenizer.ggml.model"));
  VERGE_TRY(vocabulary.pre, metadata.get_string("tokenizer.ggml.pre", std::string_view("")));
  VERGE_TRY(const auto tokens, metadata.get_strings("tokenizer.ggml.tokens"));
  vocabulary.tokens.assign(tokens.begin(), tokens.end());
  if (metadata.contains("tokenizer.ggml.scores")) {
    VERGE_TRY(vocabulary.scores, metadata.get_array<float>("tokenizer.ggml.scores"));
  }
  if (metadata.contains("tokenizer.ggml.token_type")) {
    VERGE_TRY(vocabulary.types, metadata.get_array<int32_t>("tokenizer.ggml.token_type"));
  }
  if (metadata.contains("tokenizer.ggml.merges")) {
    VERGE_TRY(const auto merges, metadata.get_strings("tokenizer.ggml.merges"));
    vocabulary.merges.assign(merges.begin(), merges.end());
  }
  strip_after_phi3_tokens(metadata, vocabulary);
  return vocabulary;
}

// A folder's config may name other ends than its tokenizer.json: what metadata says wins.
void read_options(const Metadata& metadata, text::Vocabulary& vocabulary) {
  const std::pair<std::string_view, int32_t*> ids[] = {
      {"tokenizer.ggml.bos_token_id", &vocabulary.bos},
      {"tokenizer.ggml.eos_token_id", &vocabulary.eos},
      {"tokenizer.ggml.eot_token_id", &vocabulary.eot},
      {"tokenizer.ggml.eom_token_id", &vocabulary.eom},
      {"tokenizer.ggml.unknown_token_id", &vocabulary.unk},
      {"tokenizer.ggml.padding_token_id", &vocabulary.pad}};
  for (const auto& [key, place] : ids) {
    if (const int32_t id = token_id(metadata, key); id >= 0) *place = id;
  }
  const std::pair<std::string_view, std::optional<bool>*> flags[] = {
      {"tokenizer.ggml.add_bos_token", &vocabulary.add_bos},
      {"tokenizer.ggml.add_eos_token", &vocabulary.add_eos},
      {"tokenizer.ggml.add_space_prefix", &vocabulary.add_space_prefix}};
  for (const auto& [key, place] : flags) {
    if (const auto value = flag(metadata, key)) *place = value;
  }
}

}  // namespace

Result<text::Vocabulary> read_vocabulary(const format::ModelSource& source) {
  constexpr size_t kMaxJson = size_t{256} << 20;
  text::Vocabulary vocabulary;
  if (source.tokenizer_json.empty()) {
    VERGE_TRY(vocabulary, read_tables(source.metadata));
  } else {
    VERGE_TRY(const std::string json, read_whole_file(source.tokenizer_json, kMaxJson));
    VERGE_TRY(vocabulary, text::vocabulary_from_tokenizer_json(json));
  }
  read_options(source.metadata, vocabulary);
  return vocabulary;
}

Result<std::optional<std::string_view>> read_chat_template(const Metadata& metadata) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  if (!metadata.contains(kKey)) return std::optional<std::string_view>();
  VERGE_TRY(const std::string_view text, metadata.get_string(kKey));
  return std::optional<std::string_view>(text);
}

void write_vocabulary(const text::Vocabulary& vocabulary, format::Metadata& metadata) {
  const auto set_strings = [&](std::string_view key, const std::vector<std::string>& texts) {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    if (!views.empty()) metadata.set_strings(key, views);
  };
  const auto set_id = [&](std::string_view key, int32_t id) {
    if (id >= 0) metadata.set(key, static_cast<uint32_t>(id));
  };
  const auto set_flag = [&](std::string_view key, std::optional<bool> value) {
    if (value) metadata.set(key, *value);
  };
  metadata.set("tokenizer.ggml.model", vocabulary.model);
  if (!vocabulary.pre.empty()) metadata.set("tokenizer.ggml.pre", vocabulary.pre);
  set_strings("tokenizer.ggml.tokens", vocabulary.tokens);
  set_strings("tokenizer.ggml.merges", vocabulary.merges);
  if (!vocabulary.scores.empty()) {
    metadata.set_array("tokenizer.ggml.scores", std::span<const float>(vocabulary.scores));
  }
  if (!vocabulary.types.empty()) {
    metadata.set_array("tokenizer.ggml.token_type", std::span<const int32_t>(vocabulary.types));
  }
  set_id("tokenizer.ggml.bos_token_id", vocabulary.bos);
  set_id("tokenizer.ggml.eos_token_id", vocabulary.eos);
  set_id("tokenizer.ggml.eot_token_id", vocabulary.eot);
  set_id("tokenizer.ggml.eom_token_id", vocabulary.eom);
  set_id("tokenizer.ggml.unknown_token_id", vocabulary.unk);
  set_id("tokenizer.ggml.padding_token_id", vocabulary.pad);
  set_flag("tokenizer.ggml.add_bos_token", vocabulary.add_bos);
  set_flag("tokenizer.ggml.add_eos_token", vocabulary.add_eos);
  set_flag("tokenizer.ggml.add_space_prefix", vocabulary.add_space_prefix);
}

}  // namespace verge::model
