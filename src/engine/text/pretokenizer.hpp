#pragma once
// PreTokenizer: cuts text into the words that byte-level BPE merges within. Each model family has
// its own regular expressions; they come from the families' tokenizer.json, with the
// simplifications under which their GGUF files are run (llama.cpp), so that ids agree.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::text {

/// What a pre-tokenizer's name (tokenizer.ggml.pre) stands for.
struct PreTokenizerSpec {
  std::vector<std::string_view> names;
  std::vector<std::string_view> patterns;  // applied in order, each to what the one before cut
  bool ignore_merges = false;
  bool add_bos = false;
};

/// The spec of a name; the empty name is "default". Unsupported: an unknown name.
Result<const PreTokenizerSpec*> find_pretokenizer(std::string_view name);

/// All specs, for tests and for recognising a tokenizer.json by its pattern.
std::span<const PreTokenizerSpec> pretokenizers();

/// Immutable once made: threads may share it.
class PreTokenizer {
 public:
  explicit PreTokenizer(const PreTokenizerSpec& spec);
  ~PreTokenizer();
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;

  /// Where words of `text` end, ascending, the last being text.size(); empty for empty text. What
  /// no pattern matches is a word as well. Time is linear in the text.
  std::vector<uint32_t> split(std::span<const char32_t> text) const;

 private:
  class Pattern;
  std::vector<Pattern> patterns_;
};

}  // namespace verge::text
