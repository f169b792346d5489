#include <algorithm>

#include <verge/stages/serve/collab/context_store.hpp>

namespace verge::serve {

int64_t ContextStore::pages_of(int64_t positions) const {
  return (positions + limits_.page_tokens - 1) / limits_.page_tokens;
}

SessionStates& ContextStore::open(const SessionKey& key) {
  Session& session =
      sessions_.try_emplace(key, Session{.states = SessionStates(limits_.width)}).first->second;
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

bool ContextStore::add(const SessionKey& key, int64_t position, std::span<const float> rows,
                       int64_t prompt_end) {
  Session& session = sessions_.at(key);
  const auto has_states = [](const Session& other) { return other.states.positions() > 0; };
  const auto needed = static_cast<int64_t>(rows.size_bytes());
  const bool is_free = session.is_pinned();
  if (!is_free && session.states.bytes() + needed > limits_.states_bytes) return false;
  while (!is_free && states_bytes() + needed > limits_.states_bytes) {
    const auto least = least_used(key, has_states);
    if (least == sessions_.end()) return false;
    least->second.states.drop();
    least->second.is_evicted = least->second.states.done() == 0;
  }
  session.states.add(position, rows, prompt_end);
  session.is_evicted = false;
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
  sessions_.at(key).pinned_length = length;
  return true;
}

void ContextStore::unpin(const SessionKey& key) {
  const auto found = sessions_.find(key);
  if (found != sessions_.end()) found->second.pinned_length = -1;
}

bool ContextStore::is_pinned(const SessionKey& key) const {
  const auto found = sessions_.find(key);
  return found != sessions_.end() && found->second.is_pinned();
}

std::vector<SessionKey> ContextStore::make_room(const SessionKey& key, int64_t length) {
  VERGE_CHECK(sessions_.at(key).pinned_length >= length, key.session, length);
  std::vector<SessionKey> evicted;
  const auto has_pages = [](const Session& other) { return other.states.done() > 0; };
  while (!has_room(key, length)) {
    const auto least = least_used(key, has_pages);
    VERGE_CHECK(least != sessions_.end(), length, limits_.kv_pages);  // pin() promised it
    least->second.states.rewind(0);
    least->second.is_evicted = least->second.states.positions() == 0;
    evicted.push_back(least->first);
  }
  return evicted;
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

std::vector<SessionKey> ContextStore::keys() const {
  std::vector<SessionKey> keys;
  for (const auto& [key, session] : sessions_) keys.push_back(key);
  return keys;
}

}  // namespace verge::serve
