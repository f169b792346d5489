#pragma once
// PageKeeper: who has which pages of one model's cache: sequences that run, prefixes that are kept,
// tasks that were put aside.

#include <span>
#include <string>

#include <verge/stages/serve/scheduler/prefix_cache.hpp>
#include <verge/stages/serve/scheduler/task.hpp>

namespace verge::serve {

/// The engine's thread. The tasks' sequences and spills must be gone before it.
class PageKeeper {
 public:
  PageKeeper(runtime::Decoder& decoder, SpillStore& spills, bool share_prefixes)
      : decoder_(decoder),
        spills_(spills),
        share_prefixes_(share_prefixes),
        cache_(decoder.pool, decoder.page_tokens) {}

  int64_t pages_for(int64_t tokens) const {
    return (tokens + decoder_.page_tokens - 1) / decoder_.page_tokens;
  }
  /// That can be had without putting anybody aside.
  int64_t available() const { return decoder_.pool.free_pages() + cache_.idle_pages(); }

  /// The pages of a task as the policy sees it: length, exclusive, shared, next_page.
  void describe(Task& task, Candidate& candidate);
  /// Sets waits_for_prefix of those whose next page a running prompt is about to fill.
  void mark_waiting_for_prefix(std::span<Candidate> candidates, const Tasks& tasks) const;

  /// Gives a task its sequence: what was put aside, or else the prefix it shares.
  void start(Task& task);
  /// Takes it, to be given again. Where there is no room for the pages, they are computed again:
  /// the prompt in chunks and the answer token by token, as before, so that not a bit is another.
  void put_aside(Task& task);
  /// Keeps the full pages of a prompt for others.
  void publish(const Task& task);

  /// Has so many pages free, or as many as there can be without putting anybody aside.
  void make_room(int64_t pages);

  /// prefix_file.hpp, for this model.
  Status save(const std::string& folder, int64_t most_bytes) const;
  Status load(const std::string& folder);

  /// Every page's users are the sequences and the cache, no page is twice in a sequence, and every
  /// position of a sequence has its place: VERGE_CHECK.
  void check(const Tasks& tasks) const;
  /// Pages in all, free, and kept for their prefix alone.
  void describe(ModelSnapshot& snapshot) const;

 private:
  uint64_t seed_of(const Task& task) const;
  std::span<const uint64_t> adoptable(const Task& task) const;
  void adopt_prefix(Task& task);

  runtime::Decoder& decoder_;
  SpillStore& spills_;
  bool share_prefixes_;
  PrefixCache cache_;
};

}  // namespace verge::serve
