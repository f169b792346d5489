#include <algorithm>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <verge/engine/text/pretokenizer.hpp>
#include <verge/engine/text/pretokenizer_json.hpp>

namespace verge::text {
namespace {

using SortedJson = nlohmann::json;

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// A published expression in the words of our own table.
std::string in_our_words(std::string pattern) {
  static constexpr std::pair<std::string_view, std::string_view> kRewrites[] = {
      {"(?i:'s|'t|'re|'ve|'m|'ll|'d)", "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"},
      {R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])", R"([^\P{L}a-z])"},
      {R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])", R"([^\P{L}A-Z])"},
      {R"(\p{N}{1}|)", R"(\p{N}|)"},
      {"\r\n", R"(\r\n)"},
  };
  for (const auto& [from, to] : kRewrites) pattern = replace_all(std::move(pattern), from, to);
  return pattern == R"(\s+$)" ? R"((?<!\s)\s++$)" : pattern;
}

constexpr std::string_view kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))";

/// The expressions of a pre-tokenizer in order, or an error for a kind that has none.
Status collect_patterns(const SortedJson& pre, std::vector<std::string>& patterns) {
  const auto& type = pre.at("type").get_ref<const std::string&>();
  if (type == "Sequence") {
    for (const SortedJson& part : pre.at("pretokenizers")) {
      if (part.value("type", "") == "Sequence") {
        return make_error(Code::Unsupported, "tokenizer.json: a pre-tokenizer within another");
      }
      VERGE_RETURN_IF_ERROR(collect_patterns(part, patterns));
    }
  } else if (type == "ByteLevel") {
    if (pre.value("use_regex", true)) patterns.emplace_back(kByteLevelPattern);
  } else if (type == "Digits" && pre.value("individual_digits", false)) {
    patterns.emplace_back(R"(\p{N})");
  } else if (type == "Split" && pre.at("pattern").contains("Regex")) {
    patterns.push_back(in_our_words(pre.at("pattern").at("Regex").get<std::string>()));
  } else {
    return make_error(Code::Unsupported, "tokenizer.json: pre-tokenizer of type {} is not known",
                      type);
  }
  return {};
}

}  // namespace

Result<std::string> recognise_pretokenizer(const SortedJson& pre) {
  std::vector<std::string> patterns;
  VERGE_RETURN_IF_ERROR(collect_patterns(pre, patterns));
  for (const PreTokenizerSpec& spec : pretokenizers()) {
    if (std::equal(patterns.begin(), patterns.end(), spec.patterns.begin(), spec.patterns.end())) {
      return std::string(spec.names[0]);
    }
  }
  return make_error(Code::Unsupported,
                    "tokenizer.json: no known pre-tokenizer has the expression {}; convert the "
                    "model to GGUF, which names it",
                    patterns.empty() ? "(none)" : patterns.back());
}

}  // namespace verge::text
