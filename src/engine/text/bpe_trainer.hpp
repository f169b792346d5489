#pragma once
// Training of a byte-level BPE vocabulary from text (Sennrich et al. 2016; Radford et al. 2019).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/text/vocabulary.hpp>

namespace verge::text {

struct BpeTraining {
  int32_t tokens = 2048;      // at most; at least 256 bytes and the special tokens
  std::string pre = "gpt-2";  // which words are merged within; see pretokenizer.hpp
  int64_t min_count = 2;      // a pair seen less often is not worth a token
  std::vector<std::string> special = {"<|endoftext|>"};  // Control tokens; they get the last ids
  std::string bos = "";               // which of them starts a text; empty: none, as in GPT-2
  std::string eos = "<|endoftext|>";  // which of them ends one; empty: none
};

/// A vocabulary of model "gpt2": the 256 bytes, then merges in order, then special tokens. The same
/// text gives the same vocabulary on every machine: of the most frequent pairs the one with the
/// smallest ids is merged. Fewer tokens come out if no pair is left that occurs min_count times.
/// Time: O(text) to count words, then O(log) for each word that a merge changes.
/// InvalidArgument: too few tokens, or a special token that is empty, repeated or not in the list.
Result<Vocabulary> train_bpe(std::string_view text, const BpeTraining& training);

}  // namespace verge::text
