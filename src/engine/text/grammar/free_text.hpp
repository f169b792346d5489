#pragma once
// FreeText: whether a grammar reads any text of so many characters at a place, so that all tokens
// of a subtree of the trie are allowed without a walk through it.

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <verge/engine/text/grammar/alphabet.hpp>
#include <verge/engine/text/grammar/machine.hpp>

namespace verge::text::grammar {

/// Keeps references to both; one thread at a time.
class FreeText {
 public:
  FreeText(const Automaton& automaton, Machine& machine);

  /// Whether any `count` characters of the alphabet may follow `set`. A false "no" is possible: it
  /// makes a search longer, not wrong. Of None: no.
  bool follows(Machine::SetId set, Alphabet alphabet, int count);

  /// If any text of so many characters of the alphabet may follow, and none that is longer: how
  /// many, at most `most`. -1 if it is not so, or the rule that the set began in may end on the
  /// way.
  int limit(Machine::SetId set, Alphabet alphabet, int most);

  /// With the machine's clear().
  void clear();
  size_t bytes() const { return bytes_; }

  /// Most characters that may be asked for.
  static constexpr int kMost = 63;

 private:
  struct Known {
    uint8_t reads = 0;          // any so many may follow
    uint8_t fails = kMost + 1;  // not any so many
  };
  using Knowns = std::array<Known, kAlphabets>;

  void find_examples(Alphabet alphabet);
  bool reads_none(Machine::SetId set, Alphabet alphabet);
  const std::vector<Machine::SetId>& after_one(Machine::SetId set, Alphabet alphabet);
  Known& known(Machine::SetId set, Alphabet alphabet);

  const Automaton& automaton_;
  Machine& machine_;
  // By alphabet, UTF-8 of one character for each string of byte classes.
  std::array<std::vector<std::string>, kAlphabets> examples_;
  std::vector<Knowns> known_;                                            // by set
  std::unordered_map<uint64_t, std::vector<Machine::SetId>> after_one_;  // by set and alphabet
  size_t bytes_ = 0;
};

}  // namespace verge::text::grammar
