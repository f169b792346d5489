#include <algorithm>
#include <array>
#include <utility>

#include <verge/engine/text/grammar/token_trie.hpp>
#include <verge/engine/text/token_bits.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text {
namespace {

constexpr std::array<int, 2> kSegmentCharacters = {4, TokenTrie::kMostPlain};  // at most 63
constexpr size_t kMaxPieceBytes = 4096;  // longer tokens are not offered: none in use comes near

// Characters of a piece that has only those that stand for themselves in a JSON string; else 0.
int plain_characters(std::string_view piece) {
  if (repaired_utf8(piece) != piece) return 0;
  int characters = 0;
  for (const char32_t c : code_points(piece)) {
    if (grammar::alphabet_of(c) == grammar::Alphabet::None) return 0;
    ++characters;
  }
  return characters;
}

size_t segment_of(std::string_view piece) {
  const int characters = plain_characters(piece);
  if (characters == 0) return kSegmentCharacters.size();
  size_t segment = 0;
  while (segment < kSegmentCharacters.size() && characters > kSegmentCharacters[segment]) ++segment;
  return segment;
}

std::string_view usable_piece(const Tokenizer& tokenizer, int32_t token) {
  const auto type = static_cast<TokenType>(tokenizer.vocabulary().types[token]);
  if (tokenizer.is_special(token) || tokenizer.is_end(token) || type == TokenType::Unused)
    return {};
  const std::string_view piece = tokenizer.piece(token);
  return piece.size() <= kMaxPieceBytes ? piece : std::string_view();
}

}  // namespace

std::shared_ptr<const TokenTrie> TokenTrie::build(const Tokenizer& tokenizer) {
  std::shared_ptr<TokenTrie> trie(new TokenTrie());
  const int32_t size = tokenizer.size();
  trie->next_alike_.assign(size, -1);
  trie->drops_first_space_ = *tokenizer.vocabulary().add_space_prefix;
  std::array<std::vector<int32_t>, kSegmentCharacters.size() + 1> tokens;
  for (int32_t token = 0; token < size; ++token) {
    trie->starts_.push_back(static_cast<uint32_t>(trie->bytes_.size()));
    if (tokenizer.is_end(token)) trie->ends_.push_back(token);
    const std::string_view piece = usable_piece(tokenizer, token);
    trie->bytes_ += piece;
    if (!piece.empty()) tokens[segment_of(piece)].push_back(token);
  }
  trie->starts_.push_back(static_cast<uint32_t>(trie->bytes_.size()));
  for (size_t i = 0; i < tokens.size(); ++i) {
    std::ranges::sort(tokens[i], [&](int32_t a, int32_t b) {
      const std::string_view x = trie->piece(a), y = trie->piece(b);
      return x != y ? x < y : a < b;
    });
    trie->add_segment(tokens[i], i < kSegmentCharacters.size() ? kSegmentCharacters[i] : 0);
  }
  trie->find_plain_tokens();
  return trie;
}

// Sorted pieces are visited in preorder: each adds nodes for what it has beyond its predecessor.
void TokenTrie::add_segment(const std::vector<int32_t>& tokens, int most_characters) {
  Segment segment{static_cast<uint32_t>(nodes_.size()), 0, most_characters, {}};
  segment.tokens.resize(token_words(size()));
  std::vector<uint32_t> open;  // nodes from the root to the last one
  const auto close_to = [&](size_t depth) {
    for (; open.size() > depth; open.pop_back()) {
      nodes_[open.back()].subtree_end = static_cast<uint32_t>(nodes_.size());
    }
  };
  int32_t last = -1;
  for (const int32_t token : tokens) {
    add_token(segment.tokens, token);
    const std::string_view bytes = piece(token);
    const std::string_view before = last >= 0 ? piece(last) : std::string_view();
    if (bytes == before) {
      next_alike_[last] = token;
      last = token;
      continue;
    }
    const auto shared = std::ranges::mismatch(bytes, before).in1 - bytes.begin();
    close_to(static_cast<size_t>(shared));
    for (size_t i = open.size(); i < bytes.size(); ++i) {
      open.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({0, -1, static_cast<uint16_t>(i + 1), static_cast<uint8_t>(bytes[i]), 0, 0});
    }
    nodes_.back().token = token;
    depth_ = std::max(depth_, static_cast<uint16_t>(bytes.size()));
    last = token;
  }
  close_to(0);
  segment.end = static_cast<uint32_t>(nodes_.size());
  if (most_characters > 0) find_below(segment);
  segments_.push_back(std::move(segment));
}

void TokenTrie::find_plain_tokens() {
  plain_tokens_.assign(kMostPlain + 1, std::vector<uint64_t>(token_words(size())));
  for (int32_t token = 0; token < size(); ++token) {
    const int characters = plain_characters(piece(token));
    if (characters == 0) continue;
    for (int most = characters; most <= kMostPlain; ++most) {
      add_token(plain_tokens_[static_cast<size_t>(most)], token);
    }
  }
}

// Children come behind their parents: from the last node to the first, each tells its parent.
void TokenTrie::find_below(const Segment& segment) {
  struct Below {
    uint8_t alphabet = 0, characters = 0;
  };
  std::vector<Below> below(depth_ + size_t{2});  // of the node that is open at each depth
  for (uint32_t i = segment.end; i-- > segment.begin;) {
    Node& node = nodes_[i];
    const Below own = std::exchange(below[node.depth + size_t{1}], {});
    const bool continues = (node.byte & 0xC0) == 0x80;
    Below& parent = below[node.depth];
    const auto first = static_cast<uint8_t>(node.byte < 0x80 ? grammar::alphabet_of(node.byte)
                                                             : grammar::Alphabet::Plain);
    parent.alphabet = std::max({parent.alphabet, own.alphabet, first});
    parent.characters =
        std::max(parent.characters, static_cast<uint8_t>(own.characters + (continues ? 0 : 1)));
    const bool ends_character = i + 1 >= node.subtree_end || (nodes_[i + 1].byte & 0xC0) != 0x80;
    if (!ends_character) continue;
    node.below_alphabet = own.alphabet & 3;
    node.below_characters = own.characters & 63;
  }
}

std::string_view TokenTrie::piece(int32_t token) const {
  if (token < 0 || token >= size()) return {};
  return std::string_view(bytes_).substr(starts_[token], starts_[token + 1] - starts_[token]);
}

bool TokenTrie::is_end(int32_t token) const {
  return std::ranges::binary_search(ends_, token);
}

}  // namespace verge::text
