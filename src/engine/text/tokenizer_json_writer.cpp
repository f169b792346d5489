#include <algorithm>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include <verge/engine/text/pretokenizer.hpp>
#include <verge/engine/text/text_model.hpp>
#include <verge/engine/text/tokenizer_json_writer.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text {
namespace {

using Json = nlohmann::ordered_json;

bool has_type(const Vocabulary& vocabulary, size_t id, TokenType type) {
  return vocabulary.types[id] == static_cast<int32_t>(type);
}

Json added_tokens(const Vocabulary& vocabulary) {
  const auto strips = [&](size_t id) {
    return std::ranges::count(vocabulary.strips_after, static_cast<int32_t>(id)) > 0;
  };
  Json list = Json::array();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const bool special = has_type(vocabulary, id, TokenType::Control) ||
                         has_type(vocabulary, id, TokenType::Unknown);
    if (!special && !has_type(vocabulary, id, TokenType::UserDefined)) continue;
    list.push_back({{"id", id},
                    {"content", vocabulary.tokens[id]},
                    {"single_word", false},
                    {"lstrip", false},
                    {"rstrip", strips(id)},
                    {"normalized", false},
                    {"special", special}});
  }
  return list;
}

// "left right" for every way to put a token together from two others, the best token first.
std::vector<std::string> merges_by_score(const Vocabulary& vocabulary) {
  std::unordered_map<std::string_view, size_t> ids;
  std::vector<size_t> order;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (!has_type(vocabulary, id, TokenType::Normal)) continue;
    ids.emplace(vocabulary.tokens[id], id);
    order.push_back(id);
  }
  std::ranges::stable_sort(order, std::greater(), [&](size_t id) { return vocabulary.scores[id]; });
  std::vector<std::string> merges;
  for (const size_t id : order) {
    const std::string_view token = vocabulary.tokens[id];
    for (size_t cut = 1; cut < token.size(); ++cut) {
      const auto left = token.substr(0, cut), right = token.substr(cut);
      if (ids.contains(left) && ids.contains(right))
        merges.push_back(fmt::format("{} {}", left, right));
    }
  }
  return merges;
}

Json model_of(const Vocabulary& vocabulary) {
  const bool is_llama = vocabulary.model == "llama";
  Json tokens = Json::object();
  auto& members = tokens.get_ref<Json::object_t&>();  // [] would search it for every token
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const bool is_added = !is_llama && !has_type(vocabulary, id, TokenType::Normal);
    if (!is_added && !has_type(vocabulary, id, TokenType::Unused))
      members.Json::object_t::Container::emplace_back(vocabulary.tokens[id], id);
  }
  Json model = {{"type", "BPE"},
                {"dropout", nullptr},
                {"unk_token", nullptr},
                {"fuse_unk", is_llama},
                {"byte_fallback", is_llama},
                {"ignore_merges", vocabulary.ignore_merges.value_or(false)},
                {"vocab", std::move(tokens)},
                {"merges", is_llama ? merges_by_score(vocabulary) : vocabulary.merges}};
  if (vocabulary.unk >= 0) model["unk_token"] = vocabulary.tokens[vocabulary.unk];
  return model;
}

Json replace(std::string_view from, std::string_view to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

// Spaces become U+2581, bytes without a token "<0x0A>".
void add_sentencepiece_parts(const Vocabulary& vocabulary, Json& file) {
  Json steps = Json::array();
  const bool prefix = vocabulary.add_space_prefix.value_or(true);
  if (prefix) steps.push_back({{"type", "Prepend"}, {"prepend", kSpaceMark}});
  steps.push_back(replace(" ", kSpaceMark));
  file["normalizer"] = {{"type", "Sequence"}, {"normalizers", steps}};
  Json decoders = {replace(kSpaceMark, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}};
  if (prefix) {
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  file["decoder"] = {{"type", "Sequence"}, {"decoders", decoders}};
}

Status add_byte_level_parts(const Vocabulary& vocabulary, Json& file) {
  VERGE_TRY(const PreTokenizerSpec* spec, find_pretokenizer(vocabulary.pre));
  Json parts = Json::array();
  for (const std::string_view pattern : spec->patterns) {
    parts.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", pattern}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  }
  parts.push_back({{"type", "ByteLevel"},
                   {"add_prefix_space", false},
                   {"trim_offsets", false},
                   {"use_regex", false}});
  file["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", parts}};
  file["decoder"] = {{"type", "ByteLevel"},
                     {"add_prefix_space", true},
                     {"trim_offsets", true},
                     {"use_regex", true}};
  return {};
}

// What surrounds a text: bos before, eos after, where the vocabulary adds them.
Json post_processor(const Vocabulary& vocabulary) {
  const bool bos = vocabulary.add_bos.value_or(false) && vocabulary.bos >= 0;
  const bool eos = vocabulary.add_eos.value_or(false) && vocabulary.eos >= 0;
  if (!bos && !eos) return nullptr;
  Json specials = Json::object();
  const auto around = [&](Json& list, std::string_view sequence, int type) {
    const auto special = [&](int32_t id) {
      const std::string& text = vocabulary.tokens[id];
      specials[text] = {{"id", text}, {"ids", {id}}, {"tokens", {text}}};
      list.push_back({{"SpecialToken", {{"id", text}, {"type_id", type}}}});
    };
    if (bos) special(vocabulary.bos);
    list.push_back({{"Sequence", {{"id", sequence}, {"type_id", type}}}});
    if (eos) special(vocabulary.eos);
  };
  Json single = Json::array(), pair = Json::array();
  around(single, "A", 0);
  around(pair, "A", 0);
  around(pair, "B", 1);
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", specials}};
}

}  // namespace

Result<std::string> tokenizer_json(const Vocabulary& vocabulary) {
  if (vocabulary.model != "llama" && vocabulary.model != "gpt2") {
    return make_error(Code::Unsupported,
                      "a tokenizer of model {} cannot be written as "
                      "tokenizer.json; keep the model as GGUF",
                      vocabulary.model);
  }
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (repaired_utf8(vocabulary.tokens[id]) == vocabulary.tokens[id]) continue;
    return make_error(Code::Malformed, "token {} is no UTF-8, which tokenizer.json cannot hold",
                      id);
  }
  Json file = {{"version", "1.0"},
               {"truncation", nullptr},
               {"padding", nullptr},
               {"added_tokens", added_tokens(vocabulary)},
               {"normalizer", nullptr},
               {"pre_tokenizer", nullptr},
               {"post_processor", post_processor(vocabulary)}};
  if (vocabulary.model == "llama") {
    add_sentencepiece_parts(vocabulary, file);
  } else {
    VERGE_RETURN_IF_ERROR(add_byte_level_parts(vocabulary, file));
  }
  file["model"] = model_of(vocabulary);
  return file.dump(1);
}

std::string tokenizer_config_json(const Vocabulary& vocabulary, std::string_view chat_template) {
  Json file = {{"tokenizer_class", "PreTrainedTokenizerFast"},
               {"clean_up_tokenization_spaces", false},
               {"add_bos_token", vocabulary.add_bos.value_or(false)},
               {"add_eos_token", vocabulary.add_eos.value_or(false)}};
  const std::pair<const char*, int32_t> names[] = {{"bos_token", vocabulary.bos},
                                                   {"eos_token", vocabulary.eos},
                                                   {"unk_token", vocabulary.unk},
                                                   {"pad_token", vocabulary.pad}};
  for (const auto& [name, id] : names) {
    if (id >= 0) file[name] = vocabulary.tokens[id];
  }
  if (!chat_template.empty()) file["chat_template"] = chat_template;
  return file.dump(1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace verge::text
