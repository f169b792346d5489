#pragma once
// Invented vocabularies: every piece is two earlier pieces joined, so that each can be reached by a
// tokenizer; letters follow their frequency in English, so that text splits into a few tokens a
// word.

#include <cstdint>
#include <string>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/stages/build/random_model/random_model.hpp>

namespace verge::build {

struct RandomVocabulary {
  std::vector<std::string> tokens = {};
  std::vector<float> scores = {};        // SentencePiece: higher is joined first
  std::vector<int32_t> types = {};       // GGUF: 1 normal, 2 unknown, 3 control, 6 byte
  std::vector<std::string> merges = {};  // byte pairs: "left right", first is joined first
  int32_t bos = -1;
  int32_t eos = -1;
  int32_t unknown = -1;
  int32_t padding = -1;
  bool add_bos = false;
  std::string chat_template = {};  // may be empty
};

/// InvalidArgument if `size` leaves no room for bytes, characters and special tokens.
Result<RandomVocabulary> random_vocabulary(VocabularyKind kind, int size, uint64_t seed);

}  // namespace verge::build
