#include <algorithm>
#include <limits>
#include <new>

#include <verge/stages/serve/collab/context_store.hpp>

namespace verge::serve {

int64_t ContextStore::pages_of(int64_t positions) const {
  return (positions + limits_.page_tokens - 1) / limits_.page_tokens;
}

SessionStates& ContextStore::open(const SessionKey& key) {
  const StateSpill spill{spills() ? &room_ : nullptr, limits_.spill_codec};
  Session& session =
      sessions_.try_emplace(key, Session{.states = SessionStates(limits_.width, spill)})
          .first->second;
  session.renewed_s = clock_.seconds();
  session.used = ++uses_;
  return session.states;
}

SessionStates* ContextStore::find(const SessionKey& key) {
  const auto found = sessions_.find(key);
  return found == sessions_.end() ? nullptr : &found->second.states;
}

bool ContextStore::is_evicted(const SessionKey& key) const {
  const auto found = sessions_.find(key);
  return found != sessions_.end() && found->second.is_evicted;
}

bool ContextStore::close(const SessionKey& key) {
  return sessions_.erase(key) > 0;
}

std::vector<SessionKey> ContextStore::expire() {
  std::vector<SessionKey> gone;
  const double now_s = clock_.seconds();
  for (const auto& [key, session] : sessions_) {
    const bool is_over = now_s - session.renewed_s > limits_.lease_s;
    if (is_over && !session.is_pinned()) gone.push_back(key);
  }
  for (const SessionKey& key : gone) sessions_.erase(key);
  return gone;
}

// The session that was used longest ago of those that are not pinned.
ContextStore::Sessions::iterator ContextStore::least_used(const SessionKey& keep, Wanted wanted) {
  auto least = sessions_.end();
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    if (at->first == keep || at->second.is_pinned() || !wanted(at->second)) continue;
    if (least == sessions_.end() || at->second.used < least->second.used) least = at;
  }
  return least;
}

void ContextStore::warn(const Status& status) {
  if (!status && !has_warned_ && limits_.warn) limits_.warn(status.error());
  has_warned_ = !status;
}

// Where what was put aside takes all the room, the sessions used longest ago lose theirs.
bool ContextStore::put_aside(Sessions::iterator session, int64_t to) {
  const auto is_aside = [](const Session& other) { return other.states.is_aside(); };
  Status status = session->second.states.put_aside(to);
  while (!status && status.error().code == Code::OutOfMemory) {
    const auto least = least_used(session->first, is_aside);
    if (least == sessions_.end()) return false;
    least->second.states.drop();
    least->second.is_evicted = least->second.states.done() == 0;
    status = session->second.states.put_aside(to);
  }
  warn(status);
  return status.ok();
}

bool ContextStore::make_states_room(Sessions::iterator session, int64_t bytes) {
  const auto has_states = [](const Session& other) { return other.states.positions() > 0; };
  while (states_bytes() + bytes > limits_.states_bytes) {
    auto least = least_used(session->first, has_states);
    if (least == sessions_.end()) {  // what it has computed itself
      return spills() && put_aside(session, session->second.states.done()) &&
             states_bytes() + bytes <= limits_.states_bytes;
    }
    if (spills() && put_aside(least, std::numeric_limits<int64_t>::max())) continue;
    least->second.states.drop();
    least->second.is_evicted = least->second.states.done() == 0;
  }
  return true;
}

bool ContextStore::add(const SessionKey& key, int64_t position, std::span<const float> rows,
                       int64_t prompt_end) {
  const auto session = sessions_.find(key);
  VERGE_CHECK(session != sessions_.end(), key.session);
  SessionStates& states = session->second.states;
  const auto needed = static_cast<int64_t>(rows.size_bytes());
  if (!session->second.is_pinned()) {
    if (states.waiting_bytes() + needed > limits_.states_bytes) return false;
    if (!make_states_room(session, needed)) return false;
  }
  states.add(position, rows, prompt_end);
  session->second.is_evicted = false;
  return true;
}

int64_t ContextStore::pages_beside(const SessionKey& key) const {
  int64_t pages = 0;
  for (const auto& [other, session] : sessions_) {
    if (other != key) pages += pages_of(session.promised());
  }
  return pages;
}

bool ContextStore::pin(const SessionKey& key, int64_t length) {
  int64_t pages = pages_of(length);
  for (const auto& [other, session] : sessions_) {
    if (other != key && session.is_pinned()) pages += pages_of(session.promised());
  }
  if (pages > limits_.kv_pages) return false;
  Session& session = sessions_.at(key);
  session.pinned_length = length;
  // What is aside beyond a gap is of no use yet.
  if (session.states.ready() < length && session.states.held() > session.states.ready()) {
    const int64_t before = session.states.positions();
    warn(session.states.bring_back(length));
    if (session.states.positions() > before) ++restored_;
  }
  return true;
}

void ContextStore::unpin(const SessionKey& key) {
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return;
  found->second.pinned_length = -1;
  if (!spills()) return;
  try {
    (void)make_states_room(found, 0);
  } catch (const std::bad_alloc&) {  // then with the next states
  }
}

int64_t ContextStore::pinned_length(const SessionKey& key) const {
  const auto found = sessions_.find(key);
  return found == sessions_.end() ? -1 : found->second.pinned_length;
}

bool ContextStore::is_pinned(const SessionKey& key) const {
  return pinned_length(key) >= 0;
}

std::vector<SessionKey> ContextStore::make_room(const SessionKey& key, int64_t length) {
  VERGE_CHECK(sessions_.at(key).pinned_length >= length, key.session, length);
  std::vector<SessionKey> evicted;
  const auto has_pages = [](const Session& other) { return other.states.done() > 0; };
  while (!has_room(key, length)) {
    const auto least = least_used(key, has_pages);
    VERGE_CHECK(least != sessions_.end(), length, limits_.kv_pages);  // pin() promised it
    SessionStates& states = least->second.states;
    states.restart();
    least->second.is_evicted = states.positions() == 0 && !states.is_aside();
    evicted.push_back(least->first);
  }
  return evicted;
}

void ContextStore::lose(const SessionKey& key) {
  Session& session = sessions_.at(key);
  session.states.restart();
  session.states.drop();
  session.is_evicted = true;
}

const SessionKey* ContextStore::largest() const {
  auto largest = sessions_.end();
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    if (at->second.states.positions() == 0) continue;
    if (largest == sessions_.end() ||
        at->second.states.positions() > largest->second.states.positions()) {
      largest = at;
    }
  }
  return largest == sessions_.end() ? nullptr : &largest->first;
}

bool ContextStore::has_room(const SessionKey& key, int64_t length) const {
  return pages_beside(key) + pages_of(length) <= limits_.kv_pages;
}

int64_t ContextStore::states_bytes() const {
  int64_t bytes = 0;
  for (const auto& [key, session] : sessions_) bytes += session.states.bytes();
  return bytes;
}

int64_t ContextStore::kv_pages() const {
  int64_t pages = 0;
  for (const auto& [key, session] : sessions_) pages += pages_of(session.states.done());
  return pages;
}

int64_t ContextStore::contexts() const {
  return std::ranges::count_if(sessions_,
                               [](const auto& entry) { return entry.second.states.done() > 0; });
}

std::vector<SessionKey> ContextStore::keys() const {
  std::vector<SessionKey> keys;
  for (const auto& [key, session] : sessions_) keys.push_back(key);
  return keys;
}

}  // namespace verge::serve
