#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <unordered_set>

#include <verge/engine/text/pretokenizer.hpp>
#include <verge/engine/text/vocabulary.hpp>

namespace verge::text {
namespace {

// What published models call the tokens that end a turn or a text; GGUF has fields for three only.
constexpr std::array<std::string_view, 22> kEndNames = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<｜end▁of▁sentence｜>",
    "[e~[",
};

// The same for filling in the middle of a text.
constexpr std::array<std::string_view, 31> kInfillNames = {
    "<|fim_prefix|>",  "<fim-prefix>",   "<fim_prefix>",    "<｜fim▁begin｜>", "<PRE>",
    "▁<PRE>",          "<|prefix|>",     "<|code_prefix|>", "<|fim_suffix|>",  "<fim-suffix>",
    "<fim_suffix>",    "<｜fim▁hole｜>", "<SUF>",           "▁<SUF>",          "<|suffix|>",
    "<|code_suffix|>", "<|fim_middle|>", "<fim-middle>",    "<fim_middle>",    "<｜fim▁end｜>",
    "<MID>",           "▁<MID>",         "<|middle|>",      "<|code_middle|>", "<|fim_pad|>",
    "<fim-pad>",       "<fim_pad>",      "<PAD>",           "<|fim_repo|>",    "<|repo_name|>",
    "<|file_sep|>",
};

template <size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_matched_whole(TokenType type) {
  return type == TokenType::Control || type == TokenType::UserDefined || type == TokenType::Unknown;
}

template <typename T>
Status check_table(const char* name, std::vector<T>& table, size_t tokens, T fill) {
  if (table.empty()) table.assign(tokens, fill);
  if (table.size() == tokens) return {};
  return make_error(Code::Malformed,
                    "tokenizer: {} has {} entries for {} tokens; the file is damaged", name,
                    table.size(), tokens);
}

Status check_token(const Vocabulary& vocabulary, size_t token) {
  const std::string& text = vocabulary.tokens[token];
  const int32_t type = vocabulary.types[token];
  if (type < 0 || type > static_cast<int32_t>(TokenType::Byte)) {
    return make_error(Code::Malformed, "tokenizer: token {} has type {}; expected 0 to 6", token,
                      type);
  }
  if (std::isnan(vocabulary.scores[token])) {
    return make_error(Code::Malformed, "tokenizer: token {} has the score NaN", token);
  }
  const size_t limit =
      is_matched_whole(type_of(vocabulary, token)) ? kMaxSpecialBytes : kMaxTokenBytes;
  if (text.size() > limit) {
    return make_error(Code::Malformed, "tokenizer: token {} has {} bytes; at most {} are allowed",
                      token, text.size(), limit);
  }
  return {};
}

Status check_tokens(const Vocabulary& vocabulary) {
  std::unordered_set<std::string_view> seen;
  for (size_t token = 0; token < vocabulary.tokens.size(); ++token) {
    VERGE_RETURN_IF_ERROR(check_token(vocabulary, token));
    const std::string_view text = vocabulary.tokens[token];
    if (!text.empty() && !seen.insert(text).second) {
      return make_error(Code::Malformed, "tokenizer: token {} repeats the text of another, \"{}\"",
                        token, text);
    }
  }
  return {};
}

Status check_id(const char* name, int32_t& id, size_t tokens) {
  if (id < 0) id = -1;
  if (id < 0 || static_cast<size_t>(id) < tokens) return {};
  return make_error(Code::Malformed, "tokenizer: {} is token {} of {}", name, id, tokens);
}

Status check_ids(Vocabulary& vocabulary) {
  const std::pair<const char*, int32_t*> ids[] = {
      {"bos", &vocabulary.bos}, {"eos", &vocabulary.eos}, {"eot", &vocabulary.eot},
      {"eom", &vocabulary.eom}, {"unk", &vocabulary.unk}, {"pad", &vocabulary.pad}};
  for (const auto& [name, id] : ids) {
    VERGE_RETURN_IF_ERROR(check_id(name, *id, vocabulary.tokens.size()));
  }
  for (int32_t id : vocabulary.strips_after) {
    VERGE_RETURN_IF_ERROR(check_id("strips_after", id, vocabulary.tokens.size()));
  }
  if (vocabulary.add_bos == true && vocabulary.bos < 0) {
    return make_error(Code::Malformed, "tokenizer: add_bos is set, but there is no bos token");
  }
  if (vocabulary.add_eos == true && vocabulary.eos < 0) {
    return make_error(Code::Malformed, "tokenizer: add_eos is set, but there is no eos token");
  }
  return {};
}

/// SentencePiece files that name no special tokens have them in these places.
void place_sentencepiece_ids(Vocabulary& vocabulary) {
  const auto place = [&](int32_t& id, int32_t usual) {
    if (id < 0 && static_cast<size_t>(usual) < vocabulary.tokens.size()) id = usual;
  };
  place(vocabulary.unk, 0);
  place(vocabulary.bos, 1);
  place(vocabulary.eos, 2);
}

Status decide_options(Vocabulary& vocabulary) {
  bool usual_bos = vocabulary.model == "llama" || vocabulary.model == "gemma4";
  bool usual_ignore = false;
  if (vocabulary.model == "gpt2") {
    VERGE_TRY(const PreTokenizerSpec* spec, find_pretokenizer(vocabulary.pre));
    usual_bos = spec->add_bos;
    usual_ignore = spec->ignore_merges;
  }
  vocabulary.add_bos = vocabulary.add_bos.value_or(usual_bos && vocabulary.bos >= 0);
  vocabulary.add_eos = vocabulary.add_eos.value_or(false);
  vocabulary.add_space_prefix = vocabulary.add_space_prefix.value_or(vocabulary.model == "llama");
  vocabulary.ignore_merges = vocabulary.ignore_merges.value_or(usual_ignore);
  return {};
}

/// Names that end a turn elsewhere, but are ordinary in this vocabulary: Gemma 4 keeps "</s>" for
/// HTML; gpt-oss and Solar end a turn with other tokens than "<|end|>".
std::vector<std::string_view> false_ends(const Vocabulary& vocabulary) {
  const auto has = [&](std::string_view name) {
    return std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), name) !=
           vocabulary.tokens.end();
  };
  std::vector<std::string_view> names;
  if (has("<|tool_response>")) names.push_back("</s>");
  const bool calls = has("<|call|>") || has("<|calls|>");
  if (calls && (has("<|return|>") || has("<|flush|>"))) names.push_back("<|end|>");
  return names;
}

void protect_control_tokens(Vocabulary& vocabulary) {
  const std::vector<std::string_view> ordinary = false_ends(vocabulary);
  for (size_t token = 0; token < vocabulary.tokens.size(); ++token) {
    const std::string& text = vocabulary.tokens[token];
    if (std::find(ordinary.begin(), ordinary.end(), text) != ordinary.end()) {
      const TokenType type = text == "</s>" ? TokenType::Normal : TokenType::UserDefined;
      vocabulary.types[token] = static_cast<int32_t>(type);
    } else if (contains(kEndNames, text) || contains(kInfillNames, text)) {
      vocabulary.types[token] = static_cast<int32_t>(TokenType::Control);
    }
  }
}

}  // namespace

TokenType type_of(const Vocabulary& vocabulary, size_t token) {
  return static_cast<TokenType>(vocabulary.types[token]);
}

Result<Vocabulary> checked(Vocabulary vocabulary) {
  if (vocabulary.model != "llama" && vocabulary.model != "gpt2" && vocabulary.model != "gemma4") {
    return make_error(Code::Unsupported,
                      "tokenizer: model \"{}\" is not known; known are llama, gpt2 and gemma4",
                      vocabulary.model);
  }
  const size_t tokens = vocabulary.tokens.size();
  if (tokens == 0 || tokens > kMaxTokens) {
    return make_error(Code::Malformed, "tokenizer: {} tokens; expected 1 to {}", tokens,
                      kMaxTokens);
  }
  VERGE_RETURN_IF_ERROR(check_table("scores", vocabulary.scores, tokens, 0.0F));
  VERGE_RETURN_IF_ERROR(
      check_table("token_type", vocabulary.types, tokens, static_cast<int32_t>(TokenType::Normal)));
  VERGE_RETURN_IF_ERROR(check_tokens(vocabulary));
  if (vocabulary.model == "llama") place_sentencepiece_ids(vocabulary);
  VERGE_RETURN_IF_ERROR(check_ids(vocabulary));
  VERGE_RETURN_IF_ERROR(decide_options(vocabulary));
  protect_control_tokens(vocabulary);
  return vocabulary;
}

std::vector<int32_t> end_tokens(const Vocabulary& vocabulary) {
  std::vector<int32_t> ends;
  for (const int32_t id : {vocabulary.eos, vocabulary.eot, vocabulary.eom}) {
    if (id >= 0) ends.push_back(id);
  }
  const std::vector<std::string_view> ordinary = false_ends(vocabulary);
  for (size_t token = 0; token < vocabulary.tokens.size(); ++token) {
    const std::string& text = vocabulary.tokens[token];
    const bool ends_turn = contains(kEndNames, text) &&
                           std::find(ordinary.begin(), ordinary.end(), text) == ordinary.end();
    if (ends_turn) ends.push_back(static_cast<int32_t>(token));
  }
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  return ends;
}

}  // namespace verge::text
