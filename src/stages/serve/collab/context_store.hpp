#pragma once
// ContextStore: which sessions a server keeps, what of them, and what goes when memory is short.
// It keeps the books alone: who runs the model frees the pages of those that it names.
//
// Two things are scarce: pages of keys and values, and bytes of states that are not computed yet.
// Where either is short, the sessions used longest ago give theirs, never those that are pinned: a
// request that is being answered. A session without its pages needs its states from 0 on again; one
// without pages and states is `evicted`. After a lease without a message it is gone altogether.
// With a folder to spill to, states are kept when they have been computed, and go there instead;
// where that is full, those go first that were used longest ago.

#include <algorithm>
#include <compare>
#include <functional>
#include <map>
#include <string>

#include <verge/core/clock.hpp>
#include <verge/core/result.hpp>
#include <verge/stages/serve/collab/session_states.hpp>

namespace verge::serve {

struct SessionKey {
  std::string tenant = {};
  std::string device = {};
  std::string session = {};
  auto operator<=>(const SessionKey&) const = default;
};

struct ContextLimits {
  int64_t width = 0;
  int64_t page_tokens = 1;
  int64_t kv_pages = 0;      // of all sessions
  int64_t states_bytes = 0;  // of all sessions; those of pinned ones may exceed it
  double lease_s = 120;
  std::string spill_folder = {};  // "": none
  int64_t spill_bytes = 0;
  std::string spill_codec = "f16";
  /// Told once that states cannot be put aside, until they can again.
  std::function<void(const Error&)> warn = {};
};

/// One thread.
class ContextStore {
 public:
  ContextStore(ContextLimits limits, const Clock& clock)
      : limits_(std::move(limits)),
        clock_(clock),
        room_(0, limits_.spill_folder, limits_.spill_bytes) {}

  /// The session, made if it is not there. Its lease and its place in the order of use begin anew.
  SessionStates& open(const SessionKey& key);
  /// Null where it is not there.
  SessionStates* find(const SessionKey& key);
  /// True for a session that had states or pages and lost them all to others. Sending states makes
  /// it one like any other.
  bool is_evicted(const SessionKey& key) const;
  /// Forgets it; false where it was not there.
  bool close(const SessionKey& key);
  /// Forgets those whose lease is over, and names them. Pinned ones stay.
  std::vector<SessionKey> expire();

  /// SessionStates::add to an open session; false where there was no room even so.
  bool add(const SessionKey& key, int64_t position, std::span<const float> rows,
           int64_t prompt_end);

  /// Keeps a session's states and pages until unpin, while it grows to `length` positions. False
  /// where the pages that others have pinned leave no room for that. What waits to be computed of
  /// these positions comes back from where it was put aside.
  bool pin(const SessionKey& key, int64_t length);
  /// What was kept beyond the budget for it is put aside, where there is a folder.
  void unpin(const SessionKey& key);
  bool is_pinned(const SessionKey& key) const;
  /// Positions that it may grow to; -1 where it is not pinned.
  int64_t pinned_length(const SessionKey& key) const;
  /// Makes room for a pinned session's pages of `length` positions: the sessions that lost theirs.
  std::vector<SessionKey> make_room(const SessionKey& key, int64_t length);
  /// Its pages and all of its states go.
  void lose(const SessionKey& key);
  /// The session that has most states in memory; null where none has any. It allocates nothing.
  const SessionKey* largest() const;
  /// Whether pages for so many positions are free, and promised to nobody else.
  bool has_room(const SessionKey& key, int64_t length) const;

  int64_t states_bytes() const;
  int64_t spilled_bytes() const { return room_.bytes(); }
  int64_t restored() const { return restored_; }  // sessions whose states came back
  int64_t kv_pages() const;                       // of positions that are computed
  int64_t contexts() const;                       // sessions that have pages
  size_t size() const { return sessions_.size(); }
  std::vector<SessionKey> keys() const;

 private:
  struct Session {
    SessionStates states;
    double renewed_s = 0;
    uint64_t used = 0;           // a count that grows
    int64_t pinned_length = -1;  // -1: not pinned
    bool is_evicted = false;
    bool is_pinned() const { return pinned_length >= 0; }
    int64_t promised() const { return std::max(pinned_length, states.done()); }  // positions
  };
  using Sessions = std::map<SessionKey, Session>;
  using Wanted = bool (*)(const Session&);
  int64_t pages_of(int64_t positions) const;
  int64_t pages_beside(const SessionKey& key) const;
  Sessions::iterator least_used(const SessionKey& keep, Wanted wanted);
  bool make_states_room(Sessions::iterator session, int64_t bytes);
  bool put_aside(Sessions::iterator session, int64_t to);
  bool spills() const { return !limits_.spill_folder.empty(); }
  void warn(const Status& status);

  ContextLimits limits_;
  const Clock& clock_;
  SpillRoom room_;  // before what is in it
  Sessions sessions_;
  uint64_t uses_ = 0;
  int64_t restored_ = 0;
  bool has_warned_ = false;
};

}  // namespace verge::serve
