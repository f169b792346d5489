#include <algorithm>
#include <bit>
#include <queue>
#include <string_view>
#include <unordered_map>

#include <verge/engine/text/bpe_merges.hpp>

namespace verge::text {
namespace {

constexpr uint64_t kEmpty = ~uint64_t{0};
constexpr uint32_t kNoRank = ~uint32_t{0};
constexpr int32_t kMerged = -2;  // a place whose token has gone to its left neighbour

// Up to here, looking at every pair again after each merge is faster than a heap.
constexpr size_t kShortWord = 32;

uint64_t key_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

uint64_t mix(uint64_t key) {  // the finalizer of MurmurHash3 (Appleby)
  key ^= key >> 33;
  key *= 0xFF51AFD7ED558CCD;
  key ^= key >> 33;
  key *= 0xC4CEB9FE1A85EC53;
  return key ^ key >> 33;
}

struct MergeCandidate {
  uint32_t rank;
  int32_t place;  // of the left token
  int32_t left;
  int32_t right;

  bool operator<(const MergeCandidate& other) const {  // the top of a heap is its greatest element
    return rank != other.rank ? rank > other.rank : place > other.place;
  }
};

/// A word as a doubly linked list, so that a merge costs O(1) wherever it happens.
class LinkedWord {
 public:
  explicit LinkedWord(const std::vector<int32_t>& tokens)
      : tokens_(tokens), previous_(tokens.size()), next_(tokens.size()) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      previous_[i] = static_cast<int32_t>(i) - 1;
      next_[i] = i + 1 < tokens.size() ? static_cast<int32_t>(i) + 1 : -1;
    }
  }

  int32_t token(int32_t place) const { return tokens_[place]; }
  int32_t previous(int32_t place) const { return previous_[place]; }
  int32_t next(int32_t place) const { return next_[place]; }

  bool still_there(const MergeCandidate& pair) const {
    const int32_t right = next_[pair.place];
    return tokens_[pair.place] == pair.left && right >= 0 && tokens_[right] == pair.right;
  }

  void merge(int32_t place, int32_t token) {
    const int32_t right = next_[place];
    tokens_[place] = token;
    tokens_[right] = kMerged;
    next_[place] = next_[right];
    if (next_[right] >= 0) previous_[next_[right]] = place;
  }

  void copy_to(std::vector<int32_t>& out) const {
    out.clear();
    for (int32_t place = 0; place >= 0; place = next_[place]) out.push_back(tokens_[place]);
  }

 private:
  std::vector<int32_t> tokens_;
  std::vector<int32_t> previous_;
  std::vector<int32_t> next_;
};

}  // namespace

Result<std::vector<BpeRule>> merge_rules(const Vocabulary& vocabulary) {
  std::unordered_map<std::string_view, int32_t> ids;
  for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    if (!vocabulary.tokens[i].empty()) ids.emplace(vocabulary.tokens[i], static_cast<int32_t>(i));
  }
  std::vector<BpeRule> rules;
  rules.reserve(vocabulary.merges.size());
  std::string joined;
  for (size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
    const std::string_view rule = vocabulary.merges[rank];
    const size_t space = rule.find(' ', 1);  // the left part may itself start with a space
    if (space == std::string_view::npos || space + 1 == rule.size()) {
      return make_error(Code::Malformed, "tokenizer: merge {} is \"{}\"; expected two parts", rank,
                        rule);
    }
    const std::string_view left = rule.substr(0, space);
    const std::string_view right = rule.substr(space + 1);
    joined.assign(left).append(right);
    const auto a = ids.find(left), b = ids.find(right), both = ids.find(joined);
    if (a == ids.end() || b == ids.end() || both == ids.end()) {
      return make_error(Code::Malformed,
                        "tokenizer: merge {} is \"{}\", but \"{}\" is not a token; the merges "
                        "belong to another vocabulary",
                        rank, rule, a == ids.end() ? left : (b == ids.end() ? right : joined));
    }
    rules.push_back({a->second, b->second, {static_cast<uint32_t>(rank), both->second}});
  }
  return rules;
}

BpeMerges::BpeMerges(size_t rules)
    : slots_(std::bit_ceil(rules * 2 + 2), Slot{kEmpty, {}}), mask_(slots_.size() - 1) {}

size_t BpeMerges::slot_of(uint64_t key) const {
  size_t slot = mix(key) & mask_;
  while (slots_[slot].key != key && slots_[slot].key != kEmpty) slot = (slot + 1) & mask_;
  return slot;
}

void BpeMerges::insert(uint64_t key, BpeMerge merge) {
  Slot& slot = slots_[slot_of(key)];
  if (slot.key == kEmpty) slot = {key, merge};
}

const BpeMerge* BpeMerges::find(int32_t left, int32_t right) const {
  const Slot& slot = slots_[slot_of(key_of(left, right))];
  return slot.key == kEmpty ? nullptr : &slot.merge;
}

Result<BpeMerges> BpeMerges::make(const Vocabulary& vocabulary) {
  VERGE_TRY(const std::vector<BpeRule> rules, merge_rules(vocabulary));
  BpeMerges merges(rules.size());
  for (const BpeRule& rule : rules) merges.insert(key_of(rule.left, rule.right), rule.merge);
  return merges;
}

void BpeMerges::apply(std::vector<int32_t>& word) const {
  if (word.size() < 2) return;
  word.size() <= kShortWord ? apply_short(word) : apply_long(word);
}

void BpeMerges::apply_short(std::vector<int32_t>& word) const {
  BpeMerge pairs[kShortWord];  // pairs[i] joins word[i] and word[i + 1]
  const auto look_up = [&](size_t i) {
    const BpeMerge* merge = find(word[i], word[i + 1]);
    pairs[i] = merge ? *merge : BpeMerge{kNoRank, -1};
  };
  for (size_t i = 0; i + 1 < word.size(); ++i) look_up(i);
  while (word.size() > 1) {
    const size_t count = word.size() - 1;
    const BpeMerge* best = std::min_element(
        pairs, pairs + count, [](const BpeMerge& a, const BpeMerge& b) { return a.rank < b.rank; });
    if (best->rank == kNoRank) return;
    const size_t at = best - pairs;
    word[at] = best->token;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    if (at + 1 < count) std::copy(pairs + at + 2, pairs + count, pairs + at + 1);
    if (at + 1 < word.size()) look_up(at);
    if (at > 0) look_up(at - 1);
  }
}

void BpeMerges::apply_long(std::vector<int32_t>& word) const {
  LinkedWord list(word);
  std::priority_queue<MergeCandidate> queue;
  const auto consider = [&](int32_t place) {
    if (place < 0 || list.next(place) < 0) return;
    const int32_t left = list.token(place);
    const int32_t right = list.token(list.next(place));
    if (const BpeMerge* merge = find(left, right)) queue.push({merge->rank, place, left, right});
  };
  for (size_t i = 0; i + 1 < word.size(); ++i) consider(static_cast<int32_t>(i));
  while (!queue.empty()) {
    const MergeCandidate pair = queue.top();
    queue.pop();
    if (!list.still_there(pair)) continue;
    list.merge(pair.place, find(pair.left, pair.right)->token);
    consider(list.previous(pair.place));
    consider(pair.place);
  }
  list.copy_to(word);
}

}  // namespace verge::text
