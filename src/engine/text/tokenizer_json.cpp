#include <algorithm>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include <verge/engine/text/pretokenizer_json.hpp>
#include <verge/engine/text/text_model.hpp>
#include <verge/engine/text/tokenizer_json.hpp>

namespace verge::text {
namespace {

using SortedJson = nlohmann::json;
using Ids = std::unordered_map<std::string_view, int32_t>;

Ids ids_of(const Vocabulary& vocabulary) {
  Ids ids;
  for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    ids.emplace(vocabulary.tokens[i], static_cast<int32_t>(i));
  }
  return ids;
}

Status put_token(Vocabulary& vocabulary, const std::string& text, int64_t id, TokenType type) {
  if (id < 0 || static_cast<size_t>(id) >= vocabulary.tokens.size()) {
    return make_error(Code::Malformed, "tokenizer.json: token \"{}\" has id {} of {}", text, id,
                      vocabulary.tokens.size());
  }
  std::string& place = vocabulary.tokens[id];
  if (!place.empty() && place != text) {
    return make_error(Code::Malformed, "tokenizer.json: \"{}\" and \"{}\" both have id {}", place,
                      text, id);
  }
  place = text;
  vocabulary.types[id] = static_cast<int32_t>(type);
  return {};
}

/// -1, which no caller takes, for what is not an integer.
int64_t id_of(const SortedJson& id) {
  return id.is_number_integer() ? id.get<int64_t>() : -1;
}

/// One more than the greatest id. Ids may have gaps, but a file cannot ask for much more memory
/// than it takes itself.
Result<size_t> count_ids(const SortedJson& vocab, const SortedJson& added) {
  int64_t greatest = -1;
  for (const auto& [text, id] : vocab.items()) greatest = std::max(greatest, id_of(id));
  for (const SortedJson& token : added) greatest = std::max(greatest, id_of(token.at("id")));
  const size_t entries = vocab.size() + added.size();
  if (greatest < 0 || static_cast<size_t>(greatest) > 2 * entries + 1024) {
    return make_error(Code::Malformed, "tokenizer.json: the greatest id is {} for {} tokens",
                      greatest, entries);
  }
  return static_cast<size_t>(greatest) + 1;
}

Status read_tokens(const SortedJson& file, const SortedJson& model, Vocabulary& vocabulary) {
  const SortedJson& vocab = model.at("vocab");
  const SortedJson added = file.value("added_tokens", SortedJson::array());
  VERGE_TRY(const size_t count, count_ids(vocab, added));
  vocabulary.tokens.resize(count);
  vocabulary.types.assign(count, static_cast<int32_t>(TokenType::Unused));
  for (const auto& [text, id] : vocab.items()) {
    const bool is_byte = vocabulary.model == "llama" && byte_token_value(text) >= 0;
    VERGE_RETURN_IF_ERROR(
        put_token(vocabulary, text, id_of(id), is_byte ? TokenType::Byte : TokenType::Normal));
  }
  for (const SortedJson& token : added) {
    const bool control = token.value("special", false);
    VERGE_RETURN_IF_ERROR(put_token(vocabulary, token.at("content").get<std::string>(),
                                    id_of(token.at("id")),
                                    control ? TokenType::Control : TokenType::UserDefined));
    if (token.value("rstrip", false)) vocabulary.strips_after.push_back(id_of(token.at("id")));
  }
  return {};
}

void read_unknown_token(const SortedJson& model, Vocabulary& vocabulary) {
  const auto unknown = model.find("unk_token");
  if (unknown == model.end() || !unknown->is_string()) return;
  const Ids ids = ids_of(vocabulary);
  const auto id = ids.find(unknown->get_ref<const std::string&>());
  if (id == ids.end()) return;
  vocabulary.unk = id->second;
  int32_t& type = vocabulary.types[id->second];
  if (type == static_cast<int32_t>(TokenType::Normal) || vocabulary.model == "llama") {
    type = static_cast<int32_t>(TokenType::Unknown);
  }
}

/// Merges are "left right" or, since 2024, ["left", "right"].
Status read_merges(const SortedJson& model, Vocabulary& vocabulary) {
  for (const SortedJson& merge : model.at("merges")) {
    if (merge.is_string()) {
      vocabulary.merges.push_back(merge.get<std::string>());
      continue;
    }
    const auto& left = merge.at(0).get_ref<const std::string&>();
    const auto& right = merge.at(1).get_ref<const std::string&>();
    if (left.empty() || left.find(' ', 1) != std::string::npos) {
      return make_error(Code::Unsupported, "tokenizer.json: merge {} has a space within \"{}\"",
                        vocabulary.merges.size(), left);
    }
    vocabulary.merges.push_back(left + " " + right);
  }
  return {};
}

/// Whether text gets a space in front: Prepend among the normalizers, or Metaspace.
bool prepends_space(const SortedJson& part) {
  if (!part.is_object()) return false;
  const std::string type = part.value("type", "");
  if (type == "Prepend") return true;
  if (type == "Metaspace") {
    return part.value("prepend_scheme", part.value("add_prefix_space", true) ? "first" : "never") !=
           "never";
  }
  for (const char* list : {"normalizers", "pretokenizers"}) {
    const SortedJson parts = part.value(list, SortedJson::array());
    if (std::any_of(parts.begin(), parts.end(), prepends_space)) return true;
  }
  return false;
}

void score_by_rank(Vocabulary& vocabulary) {
  constexpr float kNeverMerged = -1e9F;
  vocabulary.scores.assign(vocabulary.tokens.size(), kNeverMerged);
  const Ids ids = ids_of(vocabulary);
  for (size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
    std::string joined = vocabulary.merges[rank];
    const size_t space = joined.find(' ', 1);
    if (space == std::string::npos) continue;
    const auto id = ids.find(joined.erase(space, 1));
    if (id == ids.end() || vocabulary.scores[id->second] != kNeverMerged) continue;
    vocabulary.scores[id->second] = -static_cast<float>(rank);
  }
}

/// The special tokens that the template for a single text puts before and after it.
void read_template(const SortedJson& processor, const Ids& ids, Vocabulary& vocabulary) {
  if (!processor.is_object()) return;
  for (const SortedJson& part : processor.value("processors", SortedJson::array())) {
    read_template(part, ids, vocabulary);
  }
  bool before = true;
  for (const SortedJson& item : processor.value("single", SortedJson::array())) {
    if (!item.contains("SpecialToken")) {
      before = false;
      continue;
    }
    const auto id = ids.find(item.at("SpecialToken").at("id").get_ref<const std::string&>());
    if (id == ids.end()) continue;
    (before ? vocabulary.bos : vocabulary.eos) = id->second;
    (before ? vocabulary.add_bos : vocabulary.add_eos) = true;
  }
}

Result<Vocabulary> read_vocabulary(const SortedJson& file) {
  const SortedJson& model = file.at("model");
  if (model.value("type", "BPE") != "BPE") {
    return make_error(Code::Unsupported, "tokenizer.json: model {} is not known; only BPE is",
                      model.value("type", ""));
  }
  Vocabulary vocabulary;
  vocabulary.model = model.value("byte_fallback", false) ? "llama" : "gpt2";
  vocabulary.add_bos = vocabulary.add_eos = false;
  VERGE_RETURN_IF_ERROR(read_tokens(file, model, vocabulary));
  VERGE_RETURN_IF_ERROR(read_merges(model, vocabulary));
  read_unknown_token(model, vocabulary);
  read_template(file.value("post_processor", SortedJson()), ids_of(vocabulary), vocabulary);
  if (vocabulary.model == "llama") {
    vocabulary.add_space_prefix = prepends_space(file.value("normalizer", SortedJson())) ||
                                  prepends_space(file.value("pre_tokenizer", SortedJson()));
    score_by_rank(vocabulary);
  } else {
    VERGE_TRY(vocabulary.pre, recognise_pretokenizer(file.value("pre_tokenizer", SortedJson())));
    vocabulary.ignore_merges = model.value("ignore_merges", false);
  }
  return vocabulary;
}

/// What lies deeper than any tokenizer goes is left out: copies of JSON recurse.
SortedJson parse(std::string_view json) {
  constexpr int kMaxDepth = 32;
  return SortedJson::parse(
      json, [](int depth, SortedJson::parse_event_t, SortedJson&) { return depth < kMaxDepth; });
}

Error malformed(const char* file, const SortedJson::exception& problem) {
  return make_error(Code::Malformed, "{}: {}; fetch the file again", file, problem.what());
}

}  // namespace

Result<Vocabulary> vocabulary_from_tokenizer_json(std::string_view json) {
  try {
    return read_vocabulary(parse(json));
  } catch (const SortedJson::exception& problem) {
    return malformed("tokenizer.json", problem);
  }
}

Status apply_tokenizer_config(std::string_view json, Vocabulary& vocabulary) {
  try {
    const SortedJson file = parse(json);
    const Ids ids = ids_of(vocabulary);
    const std::pair<const char*, int32_t*> names[] = {{"bos_token", &vocabulary.bos},
                                                      {"eos_token", &vocabulary.eos},
                                                      {"unk_token", &vocabulary.unk},
                                                      {"pad_token", &vocabulary.pad}};
    for (const auto& [name, place] : names) {
      SortedJson token = file.value(name, SortedJson());
      if (token.is_object()) token = SortedJson(token.at("content"));
      if (!token.is_string()) continue;
      const auto id = ids.find(token.get_ref<const std::string&>());
      if (id == ids.end()) {
        return make_error(Code::Malformed, "tokenizer_config.json: {} \"{}\" is not a token", name,
                          token.get<std::string>());
      }
      *place = id->second;
    }
    if (file.contains("add_bos_token")) vocabulary.add_bos = file.at("add_bos_token").get<bool>();
    if (file.contains("add_eos_token")) vocabulary.add_eos = file.at("add_eos_token").get<bool>();
    return {};
  } catch (const SortedJson::exception& problem) {
    return malformed("tokenizer_config.json", problem);
  }
}

}  // namespace verge::text
