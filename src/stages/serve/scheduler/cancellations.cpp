#include <verge/stages/serve/scheduler/cancellations.hpp>

namespace verge::serve {

void Cancellations::update() {
  flag_.store(runs_ && running_.empty());
}

void Cancellations::request(RequestId id) {
  const std::lock_guard lock(mutex_);
  requested_.insert(id);
  running_.erase(id);
  update();
}

std::vector<RequestId> Cancellations::take() {
  const std::lock_guard lock(mutex_);
  const std::vector<RequestId> taken(requested_.begin(), requested_.end());
  requested_.clear();
  return taken;
}

void Cancellations::begin(std::span<const RequestId> running) {
  const std::lock_guard lock(mutex_);
  running_ = {running.begin(), running.end()};
  for (const RequestId id : requested_) running_.erase(id);
  runs_ = !running.empty();
  update();
}

}  // namespace verge::serve
