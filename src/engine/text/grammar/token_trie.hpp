#pragma once
// TokenTrie: the pieces of a vocabulary as a trie of bytes, for finding all tokens that a grammar
// allows in one walk. Built once a tokenizer, shared by all grammars.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/text/grammar/alphabet.hpp>
#include <verge/engine/text/tokenizer.hpp>

namespace verge::text {

/// Immutable: threads may share it. Keeps nothing of the tokenizer. 151,936 tokens take 8 MB.
class TokenTrie {
 public:
  static std::shared_ptr<const TokenTrie> build(const Tokenizer& tokenizer);

  /// In preorder: the children of node i begin at i + 1, its subtree ends before `subtree_end`.
  struct Node {
    uint32_t subtree_end;
    int32_t token;   // the first token with these bytes, or -1; others by next_alike()
    uint16_t depth;  // 1: one byte
    uint8_t byte;
    // Behind the node, tokens go on with whole characters of an alphabet, at most so many; 0: not
    // known, or with nothing.
    uint8_t below_alphabet : 2;
    uint8_t below_characters : 6;
    grammar::Alphabet alphabet() const { return static_cast<grammar::Alphabet>(below_alphabet); }
  };
  static_assert(sizeof(Node) == 12);
  /// Tries side by side. The first ones hold tokens that are nothing but `most_characters` or fewer
  /// whole characters that stand for themselves in a JSON string (not '"', '\\' or controls): in
  /// most states that allow text at all they are allowed or not together. The last one (0) holds
  /// the rest.
  struct Segment {
    uint32_t begin, end;
    int most_characters;
    std::vector<uint64_t> tokens;  // the same as a mask
  };

  /// A mask of the tokens of all segments but the last that have at most so many characters.
  std::span<const uint64_t> plain_tokens(int most_characters) const {
    return plain_tokens_[static_cast<size_t>(most_characters)];
  }
  static constexpr int kMostPlain = 16;  // characters of those

  std::span<const Node> nodes() const { return nodes_; }
  std::span<const Segment> segments() const { return segments_; }
  int32_t next_alike(int32_t token) const { return next_alike_[token]; }

  int32_t size() const { return static_cast<int32_t>(next_alike_.size()); }
  /// What `token` adds to a text: nothing for control, unused and unknown tokens and for ids
  /// outside the vocabulary, which no grammar allows.
  std::string_view piece(int32_t token) const;
  /// Tokens that end a generation.
  std::span<const int32_t> ends() const { return ends_; }
  bool is_end(int32_t token) const;
  /// Whether a text's first token loses a leading space (DecodeOptions::starts_text).
  bool drops_first_space() const { return drops_first_space_; }
  uint16_t depth() const { return depth_; }

 private:
  TokenTrie() = default;
  void add_segment(const std::vector<int32_t>& tokens, int most_characters);
  void find_below(const Segment& segment);
  void find_plain_tokens();

  std::vector<Node> nodes_;
  std::vector<Segment> segments_;
  std::vector<std::vector<uint64_t>> plain_tokens_;  // [kMostPlain + 1]
  std::vector<int32_t> next_alike_;  // a chain of tokens with equal pieces; -1: the last
  std::string bytes_;                // all pieces
  std::vector<uint32_t> starts_;     // [size + 1] in bytes_
  std::vector<int32_t> ends_;
  bool drops_first_space_ = false;
  uint16_t depth_ = 0;
};

}  // namespace verge::text
