#pragma once
// PrefixCache: full pages of prompts, found by the tokens that fill them and all tokens before
// (Kwon et al. 2023, section 4.4; the tree of Zheng et al. 2024, SGLang). A page is looked up by a
// hash of the whole beginning, and taken only if its tokens and the page before it are the same. It
// counts as one user of each page in the KvPool, so pages outlive their request until the pool
// needs them: then the least recently used goes first, never before those that follow it.
//
// Only what was computed in chunks of a prompt belongs here: decoded tokens' sums have another
// order, and sharing them would change bits.

#include <span>
#include <unordered_map>
#include <vector>

#include <verge/engine/runtime/kv_pool.hpp>

namespace verge::serve {

/// Hash of the tokens up to the end of each full page; `seed` tells apart what else the pages
/// depend on, such as an adapter.
std::vector<uint64_t> page_hashes(std::span<const int32_t> tokens, int64_t page_tokens,
                                  uint64_t seed);

/// One decoder's; the engine's thread. Must not outlive the pool.
class PrefixCache {
 public:
  PrefixCache(runtime::KvPool& pool, int64_t page_tokens)
      : pool_(pool), page_tokens_(static_cast<size_t>(page_tokens)) {}
  ~PrefixCache() { evict(static_cast<int64_t>(nodes_.size())); }
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  /// The pages of the longest beginning that is there, of at most hashes.size() pages.
  std::vector<int32_t> find(std::span<const int32_t> tokens, std::span<const uint64_t> hashes);
  /// Keeps pages [0, pages.size()), which hold `tokens`. Stops at the first whose tokens another
  /// page already stands for.
  void add(std::span<const int32_t> tokens, std::span<const uint64_t> hashes,
           std::span<const int32_t> pages);
  /// Frees up to `count` pages that nobody else uses; how many it did.
  int64_t evict(int64_t count);

  struct Entry {
    uint64_t hash;
    int32_t page;
    int32_t before;  // -1 at the beginning
    std::span<const int32_t> tokens;
  };
  /// The most recently used first, each after the one before it.
  std::vector<Entry> entries() const;
  /// Keeps one page, used less recently than all that are there. False, and nothing is kept, where
  /// another page stands for its tokens.
  bool put(const Entry& entry);

  bool holds(int32_t page) const { return nodes_.contains(page); }
  /// Those that nobody else uses.
  int64_t idle_pages() const;

 private:
  struct Node {
    uint64_t hash;
    int32_t before;  // the page, -1 at the beginning
    int64_t depth;   // pages before it
    std::vector<int32_t> tokens;
    uint64_t used = 0;  // when, counted in calls
  };
  int32_t lookup(std::span<const int32_t> tokens, uint64_t hash, int32_t before) const;
  void remove(int32_t page);

  runtime::KvPool& pool_;
  size_t page_tokens_;
  std::unordered_map<int32_t, Node> nodes_;              // by page
  std::unordered_multimap<uint64_t, int32_t> pages_of_;  // by hash
  uint64_t now_ = 0;
};

}  // namespace verge::serve
