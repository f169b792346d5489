#include <utility>

#include <verge/stages/serve/collab/edge_links.hpp>

namespace verge::serve {

EdgeLinks::EdgeLinks(Make make, const Clock& clock)
    : make_(std::move(make)),
      clock_(clock),
      spare_(connect()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

EdgeLink EdgeLinks::connect() const {
  if (!make_) return {};
  return {make_(), clock_.seconds()};
}

EdgeLink EdgeLinks::take() {
  return std::exchange(spare_, connect());
}

void EdgeLinks::drop(EdgeLink link) {
  {
    const std::lock_guard lock(mutex_);
    dropped_.push_back(std::move(link));
  }
  changed_.notify_all();
}

void EdgeLinks::run(const std::stop_token& stop) {
  while (true) {
    std::vector<EdgeLink> ending;  // without the lock
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, stop, [this] { return !dropped_.empty(); });
      ending.swap(dropped_);
    }
    if (ending.empty()) return;
  }
}

}  // namespace verge::serve
