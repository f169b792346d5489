#pragma once
// BpeMerges: the merge rules of a BPE vocabulary, and the merging itself (Sennrich et al. 2016):
// of all neighbours that a rule joins, the pair of the lowest rank first, leftmost among equals.

#include <cstdint>
#include <vector>

#include <verge/engine/text/vocabulary.hpp>

namespace verge::text {

struct BpeMerge {
  uint32_t rank;
  int32_t token;  // what the pair becomes
};

/// "left right" of a vocabulary, as the tokens that it joins and what they become.
struct BpeRule {
  int32_t left;
  int32_t right;
  BpeMerge merge;
};

/// By rank. Malformed: a rule that is not "left right", or whose parts or result are not tokens.
Result<std::vector<BpeRule>> merge_rules(const Vocabulary& vocabulary);

/// Immutable once made: threads may share it.
class BpeMerges {
 public:
  /// Fails as merge_rules does. Of equal rules the first counts.
  static Result<BpeMerges> make(const Vocabulary& vocabulary);

  /// The rule that joins two tokens, or null.
  const BpeMerge* find(int32_t left, int32_t right) const;

  /// Merges `word` in place as far as the rules go. O(n log n), allocating only for long words.
  void apply(std::vector<int32_t>& word) const;

 private:
  struct Slot {
    uint64_t key;
    BpeMerge merge;
  };
  explicit BpeMerges(size_t rules);
  void insert(uint64_t key, BpeMerge merge);
  size_t slot_of(uint64_t key) const;
  void apply_short(std::vector<int32_t>& word) const;
  void apply_long(std::vector<int32_t>& word) const;

  std::vector<Slot> slots_;  // open addressing, at most half full
  size_t mask_;
};

}  // namespace verge::text
