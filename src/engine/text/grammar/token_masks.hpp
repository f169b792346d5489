#pragma once
// TokenMasks: which tokens may follow at a position of a grammar. A state's own tokens do not
// depend on where its rule was called from and are found once (Dong et al. 2024, XGrammar, 3.1);
// those that leave the rule are followed up the calls; the result is kept by position.

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <verge/engine/text/grammar/free_text.hpp>
#include <verge/engine/text/grammar/grammar.hpp>
#include <verge/engine/text/grammar/recognizer.hpp>
#include <verge/engine/text/grammar/token_trie.hpp>

namespace verge::text::grammar {

/// Shared by the answers of one grammar and vocabulary: threads may call it at the same time.
class TokenMasks {
 public:
  /// `cache_bytes` bounds what is kept of masks; at least one is. `machine_bytes`: as Machine's.
  TokenMasks(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie,
             size_t cache_bytes = size_t{32} << 20, size_t machine_bytes = Machine::kMaxBytes);

  Position begin();
  Position advance(const Position& position, std::string_view bytes);

  /// Writes a bit for each token of the trie, and zeros behind them: those whose bytes may follow;
  /// those that end a generation if the text is complete. `first`: a leading space of the token
  /// does not count, as that of a text's first token.
  void mask(const Position& position, bool first, std::span<uint64_t> bits);

  bool overflowed() const;
  /// Memory of the grammar and of what was found out, roughly; grows while answers are drawn. Waits
  /// for nobody.
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  const TokenTrie& trie() const { return *trie_; }
  const Grammar& grammar() const { return *grammar_; }

 private:
  /// What a state allows by itself.
  struct Own {
    std::vector<uint64_t> bits;     // either these
    std::vector<int32_t> tokens;    // or these
    std::vector<uint32_t> returns;  // trie nodes behind which its rule may have ended
  };
  struct Kept {
    Position position;
    std::vector<uint64_t> bits;
    size_t bytes;
  };
  struct Walk {
    std::span<uint64_t> bits;
    std::vector<uint32_t>* returns;
  };
  /// Trie nodes at which a rule ended, by the calls it returns to; longest chains first.
  class Returns;

  const Own& own(int32_t state);
  Own find_own(int32_t state);
  void follow(Returns& returns, std::span<uint64_t> bits);
  bool find_whole(const Position& position, bool first, std::span<uint64_t> bits);
  void find(const Position& position, std::span<uint64_t> bits);
  void drop_too_deep(const Position& position, std::span<uint64_t> bits);
  void add_ends(const Position& position, std::span<uint64_t> bits) const;
  void find_first(const Position& position, std::span<uint64_t> bits);
  void walk(uint32_t begin, uint32_t end, Machine::SetId from, const Walk& out);
  void add_token(int32_t token, std::span<uint64_t> bits) const;
  bool reads_all_below(uint32_t node, Machine::SetId set);
  void add_below(uint32_t node, std::span<uint64_t> bits) const;
  void keep(const Position& position, std::span<const uint64_t> bits);
  void drop_last_kept();
  void trim();
  void count_bytes();
  void forget_own();
  void forget_sets();

  const std::shared_ptr<const Grammar> grammar_;
  const std::shared_ptr<const TokenTrie> trie_;
  const size_t cache_bytes_;
  const size_t words_;

  mutable std::mutex mutex_;  // guards what follows
  Recognizer recognizer_;
  std::vector<Machine::SetId> path_;  // sets at each depth of the walk
  std::unordered_map<int32_t, Own> own_;
  size_t own_bytes_ = 0;
  std::list<Kept> kept_;  // the last used first
  size_t kept_bytes_ = 0;
  std::unordered_multimap<uint64_t, std::list<Kept>::iterator> kept_by_hash_;
  FreeText free_text_;
  std::atomic<size_t> bytes_{0};  // of all of it; changed under the mutex
};

}  // namespace verge::text::grammar
