// SentencePiece's BPE (Kudo and Richardson 2018): of all neighbours that together are a token, the
// pair of the highest score first, leftmost among equals. What has no token becomes its bytes.

#include <algorithm>
#include <unordered_map>

#include <verge/engine/text/text_model.hpp>
#include <verge/engine/text/utf8.hpp>

namespace verge::text {
namespace {

struct Piece {
  uint32_t begin;
  uint32_t size;  // 0: merged into the piece before
  int32_t previous;
  int32_t next;
};

struct PieceCandidate {
  float score;
  int32_t left;
  int32_t right;
  uint32_t size;  // of both together; if they no longer have it, one of them has changed

  bool operator<(const PieceCandidate& other) const {  // the top of a heap is its greatest element
    return score != other.score ? score < other.score : left > other.left;
  }
};

class SentencePiece final : public TextModel {
 public:
  explicit SentencePiece(const Vocabulary& vocabulary)
      : tokens_(vocabulary.tokens),
        scores_(vocabulary.scores),
        words_are_apart_(words_are_apart(vocabulary)),
        bytes_(byte_fallback(vocabulary)),
        add_space_prefix_(*vocabulary.add_space_prefix) {
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (!comes_from_text(vocabulary, i)) continue;
      ids_.emplace(tokens_[i], static_cast<int32_t>(i));
      longest_ = std::max(longest_, tokens_[i].size());
    }
  }

  void encode(std::string_view text, bool starts, std::vector<int32_t>& out) const override {
    if (text.empty()) return;
    std::string marked = with_space_marks(text);
    if (starts && add_space_prefix_) marked.insert(0, kSpaceMark);
    std::vector<Piece> word;
    std::vector<PieceCandidate> heap;
    bool after_space = true;
    for (size_t at = 0; at < marked.size();) {
      const size_t size =
          std::min(utf8_length(static_cast<uint8_t>(marked[at])), marked.size() - at);
      const bool space = std::string_view(marked).substr(at, size) == kSpaceMark;
      if (words_are_apart_ && space && !after_space) encode_word(marked, word, heap, out);
      after_space = space;
      const auto index = static_cast<int32_t>(word.size());
      if (index > 0) word.back().next = index;
      word.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(size), index - 1, -1});
      at += size;
    }
    encode_word(marked, word, heap, out);
  }

  std::string bytes_of(std::string_view token) const override { return without_space_marks(token); }

 private:
  int32_t find(std::string_view piece) const {
    if (piece.size() > longest_) return -1;
    const auto id = ids_.find(piece);
    return id == ids_.end() ? -1 : id->second;
  }

  /// Appends the tokens of `word`, a part of `text`, and empties it. `heap` is working memory.
  void encode_word(std::string_view text, std::vector<Piece>& word,
                   std::vector<PieceCandidate>& heap, std::vector<int32_t>& out) const {
    merge(text, word, heap);
    for (int32_t i = 0; i >= 0; i = word[i].next) {
      emit(text.substr(word[i].begin, word[i].size), out);
    }
    word.clear();
  }

  void merge(std::string_view text, std::vector<Piece>& pieces,
             std::vector<PieceCandidate>& heap) const {
    const auto consider = [&](int32_t left, int32_t right) {
      if (left < 0 || right < 0) return;
      const uint32_t size = pieces[left].size + pieces[right].size;
      const int32_t id = find(text.substr(pieces[left].begin, size));
      if (id < 0) return;
      heap.push_back({scores_[id], left, right, size});
      std::push_heap(heap.begin(), heap.end());
    };
    for (size_t i = 1; i < pieces.size(); ++i) {
      consider(static_cast<int32_t>(i) - 1, static_cast<int32_t>(i));
    }
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end());
      const PieceCandidate pair = heap.back();
      heap.pop_back();
      Piece& left = pieces[pair.left];
      Piece& right = pieces[pair.right];
      if (left.size == 0 || right.size == 0 || left.size + right.size != pair.size) continue;
      left.size = pair.size;
      left.next = right.next;
      right.size = 0;
      if (right.next >= 0) pieces[right.next].previous = pair.left;
      consider(left.previous, pair.left);
      consider(pair.left, left.next);
    }
  }

  void emit(std::string_view piece, std::vector<int32_t>& out) const {
    const int32_t id = find(piece);
    if (id >= 0) return out.push_back(id);
    for (const char byte : piece) {
      const int32_t fallback = bytes_[static_cast<uint8_t>(byte)];
      if (fallback >= 0) out.push_back(fallback);
    }
  }

  std::vector<std::string> tokens_;
  std::vector<float> scores_;
  std::unordered_map<std::string_view, int32_t> ids_;  // points into tokens_
  size_t longest_ = 0;
  bool words_are_apart_;  // no token holds a space after something else
  std::vector<int32_t> bytes_;
  bool add_space_prefix_;
};

}  // namespace

Result<std::unique_ptr<TextModel>> make_sentencepiece(const Vocabulary& vocabulary) {
  return std::unique_ptr<TextModel>(std::make_unique<SentencePiece>(vocabulary));
}

}  // namespace verge::text
