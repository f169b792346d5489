#pragma once
// A vocabulary whose tokens cut JSON in every way that is awkward for a grammar.

#include <memory>
#include <string>
#include <vector>

#include <verge/engine/text/grammar/token_trie.hpp>

#include "../small_vocabularies.hpp"

namespace verge::text {

inline std::unique_ptr<Tokenizer> awkward_tokenizer() {
  Vocabulary vocabulary = sentencepiece_vocabulary(
      {"▁",        "▁▁",     "{\"",  "\"}",  "\":",
       "\":▁",     "\",▁\"", "\"a",  "ab",   "abab",
       "a",        "b",      "},",   "}}",   "]]",
       "]}",       "[[",     "[",    "]",    "{",
       "}",        ",▁",     ":",    ",",    "1",
       "12",       "0",      "-1",   ".5",   "e",
       "tr",       "true",   "null", "\"\\", "\\u",
       "\\n",      "\\\"",   "00",   "d8",   "ü",
       "€uro",     "😀",      "▁a",   "▁{",   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
       "abcdefgh", "\n",     "\n▁▁", "[1,",  "\"b\":▁1",
       "a\"}]"});
  vocabulary.bos = 1;
  vocabulary.eos = 2;
  return std::move(make_tokenizer(std::move(vocabulary))).value();
}

inline bool bit(const std::vector<uint64_t>& bits, int32_t token) {
  return bits[token / 64] >> (token % 64) & 1;
}

}  // namespace verge::text
