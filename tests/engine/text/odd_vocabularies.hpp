#pragma once
// One vocabulary for each way of tokenizing, all from the same merges.

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <verge/engine/text/byte_alphabet.hpp>
#include <verge/engine/text/pretokenizer.hpp>
#include <verge/engine/text/text_model.hpp>
#include <verge/engine/text/utf8.hpp>

#include "small_vocabularies.hpp"

namespace verge::text {

constexpr uint64_t kOddSeed = 2024;  // of the strings that the captured ids are for
constexpr int kOddCount = 2500;
constexpr int kOddBlock = 100;  // strings that share a line of captured ids

inline std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// What the merges make, as SentencePiece writes it, if that is text; the characters come last.
inline std::vector<std::string> odd_pieces(const std::vector<std::string>& merges) {
  std::set<std::string> seen;
  std::vector<std::string> pieces;
  std::vector<std::string> characters;
  for (std::string merge : merges) {
    merge.erase(merge.find(' ', 1), 1);
    const std::string bytes = *from_byte_alphabet(merge);
    if (repaired_utf8(bytes) != bytes) continue;
    if (bytes.find('\0') != std::string::npos) continue;  // the peer's strings end there
    const std::string piece = with_space_marks(bytes);
    if (code_points(piece).size() > 1 && seen.insert(piece).second) pieces.push_back(piece);
    for (const char32_t c : code_points(piece)) {
      std::string character;
      append_utf8(character, c);
      if (seen.insert(character).second) characters.push_back(character);
    }
  }
  pieces.insert(pieces.end(), characters.begin(), characters.end());
  return pieces;
}

/// "gemma4": of all ways to cut a piece into two others, the first is its merge.
inline Vocabulary character_vocabulary(const std::vector<std::string>& pieces) {
  Vocabulary vocabulary = sentencepiece_vocabulary(pieces);
  vocabulary.model = "gemma4";
  const std::set<std::string> known(pieces.begin(), pieces.end());
  for (const std::string& piece : pieces) {
    for (size_t cut = 1; cut < piece.size(); ++cut) {
      const std::string left = piece.substr(0, cut);
      const std::string right = piece.substr(cut);
      if (known.count(left) == 0 || known.count(right) == 0) continue;
      vocabulary.merges.push_back(left + " " + right);
      break;
    }
  }
  vocabulary.bos = 1;
  vocabulary.eos = 2;
  return vocabulary;
}

/// Byte-level BPE with every pre-tokenizer (named by its first name), then the other two models.
inline std::vector<Vocabulary> odd_vocabularies(const std::vector<std::string>& merges) {
  std::vector<std::string> rules;  // without those that lead to a token that is already there
  std::set<std::string> seen;
  for (const std::string& merge : merges) {
    std::string token = merge;
    if (seen.insert(token.erase(token.find(' ', 1), 1)).second) rules.push_back(merge);
  }
  std::vector<Vocabulary> all;
  for (const PreTokenizerSpec& spec : pretokenizers()) {
    all.push_back(byte_vocabulary(rules, std::string(spec.names[0])));
  }
  const std::vector<std::string> pieces = odd_pieces(merges);
  all.push_back(sentencepiece_vocabulary(pieces));
  all.push_back(character_vocabulary(pieces));
  return all;
}

}  // namespace verge::text
