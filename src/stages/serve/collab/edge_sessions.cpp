#include <algorithm>

#include <verge/stages/serve/collab/edge_sessions.hpp>

namespace verge::serve {
namespace {

bool goes_on_from(const EdgeSession& session, std::span<const int32_t> prompt) {
  return session.tokens.size() < prompt.size() &&
         std::ranges::equal(session.tokens, prompt.first(session.tokens.size()));
}

}  // namespace

std::unique_ptr<EdgeSession> EdgeSessions::take(std::span<const int32_t> prompt,
                                                const std::string& salt) {
  auto best = idle_.end();
  for (auto at = idle_.begin(); at != idle_.end(); ++at) {
    if ((*at)->salt != salt || !goes_on_from(**at, prompt)) continue;
    if (best == idle_.end() || (*at)->tokens.size() > (*best)->tokens.size()) best = at;
  }
  if (best == idle_.end()) return nullptr;
  std::unique_ptr<EdgeSession> session = std::move(*best);
  idle_.erase(best);
  return session;
}

void EdgeSessions::put(std::unique_ptr<EdgeSession> session) {
  idle_.push_front(std::move(session));
  while (idle_.size() > most_) drop_oldest();
}

// Its pages are free at once, its link is when it has said goodbye.
void EdgeSessions::drop(std::unique_ptr<EdgeSession> session) {
  session->driver.reset();
  links_.drop(std::move(session->link));
}

void EdgeSessions::drop_oldest() {
  drop(std::move(idle_.back()));
  idle_.pop_back();
}

bool EdgeSessions::make_room(int64_t pages) {
  while (decoder_.pool.free_pages() < pages && !idle_.empty()) drop_oldest();
  return decoder_.pool.free_pages() >= pages;
}

int64_t EdgeSessions::pages_of(int64_t tokens) const {
  return (tokens + decoder_.page_tokens - 1) / decoder_.page_tokens;
}

int64_t EdgeSessions::pages() const {
  int64_t sum = 0;
  for (const auto& session : idle_) sum += pages_of(session->length());
  return sum;
}

}  // namespace verge::serve
