#pragma once
// A grammar as a TokenConstraint, and a cache of those that clients send again and again.

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <verge/engine/text/grammar/grammar.hpp>
#include <verge/engine/text/grammar/token_trie.hpp>
#include <verge/engine/text/token_constraint.hpp>

namespace verge::text {

namespace grammar {
class TokenMasks;
}

struct ConstraintOptions {
  bool starts_text = false;  // as DecodeOptions: the first token's leading space is dropped
};

/// A new answer. Answers of the same `masks` share what they find out; they may be on different
/// threads. Its describe() says so if the grammar was too ambiguous to follow.
std::unique_ptr<TokenConstraint> constraint(std::shared_ptr<grammar::TokenMasks> masks,
                                            ConstraintOptions options = {});
/// The same with masks of its own.
std::unique_ptr<TokenConstraint> constraint(std::shared_ptr<const Grammar> grammar,
                                            std::shared_ptr<const TokenTrie> trie,
                                            ConstraintOptions options = {});

/// Compiled grammars of one vocabulary by their text, the last used kept. Threads may share it.
/// What they find out while answers are drawn grows; a new answer lets go of the longest unused
/// beyond `most_bytes`, which then live as long as the answers that still use them.
class GrammarCache {
 public:
  enum class Kind { Gbnf, JsonSchema, JsonObject, Regex };

  explicit GrammarCache(std::shared_ptr<const TokenTrie> trie, size_t capacity = 32,
                        size_t most_bytes = size_t{256} << 20);
  ~GrammarCache();

  /// A new answer; `text` says nothing for JsonObject. Fails as the readers of Grammar do.
  Result<std::unique_ptr<TokenConstraint>> constraint(Kind kind, std::string_view text,
                                                      ConstraintOptions options = {});

  /// Memory of what is kept now, roughly.
  size_t bytes();
  size_t size();

 private:
  void trim();
  struct Entry;
  std::shared_ptr<grammar::TokenMasks> find(Kind kind, std::string_view text);

  const std::shared_ptr<const TokenTrie> trie_;
  const size_t capacity_;
  const size_t most_bytes_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the last used first
};

}  // namespace verge::text
