#include <algorithm>

#include <verge/core/result.hpp>
#include <verge/stages/serve/collab/session_states.hpp>

namespace verge::serve {

void SessionStates::find_ready() {
  for (auto row = rows_.find(ready_); row != rows_.end() && row->first == ready_; ++row) ++ready_;
}

void SessionStates::add(int64_t position, std::span<const float> rows, int64_t prompt_end) {
  const auto width = static_cast<size_t>(width_);
  VERGE_CHECK(rows.size() % width == 0, rows.size(), width_);
  for (; !rows.empty(); rows = rows.subspan(width), ++position) {
    if (position < done_) continue;
    const auto [row, is_new] = rows_.try_emplace(position);
    if (is_new) row->second = {{rows.begin(), rows.begin() + width_}, prompt_end};
  }
  find_ready();
}

std::optional<PositionRange> SessionStates::missing(int64_t to) const {
  if (ready_ >= to) return std::nullopt;
  const auto next = rows_.upper_bound(ready_);
  return PositionRange{ready_, next == rows_.end() ? to : std::min(to, next->first)};
}

std::vector<float> SessionStates::copy(int64_t from, int64_t to) const {
  VERGE_CHECK(from >= done_ && from <= to && to <= ready_, from, to, done_, ready_);
  std::vector<float> rows;
  rows.reserve(static_cast<size_t>((to - from) * width_));
  for (auto row = rows_.find(from); from < to; ++row, ++from) {
    rows.insert(rows.end(), row->second.values.begin(), row->second.values.end());
  }
  return rows;
}

int64_t SessionStates::prompt_end(int64_t position) const {
  return rows_.at(position).prompt_end;
}

int64_t SessionStates::same_end(int64_t position) const {
  const int64_t prompt_end = rows_.at(position).prompt_end;
  for (auto row = rows_.find(position); position < ready_; ++row, ++position) {
    if (row->second.prompt_end != prompt_end) break;
  }
  return position;
}

void SessionStates::advance(int64_t done) {
  VERGE_CHECK(done >= done_ && done <= ready_, done, done_, ready_);
  rows_.erase(rows_.begin(), rows_.lower_bound(done));
  done_ = done;
}

void SessionStates::rewind(int64_t done) {
  VERGE_CHECK(done >= 0 && done <= done_, done, done_);
  done_ = ready_ = done;
  find_ready();
}

void SessionStates::drop() {
  rows_.clear();
  ready_ = done_;
}

int64_t SessionStates::bytes() const {
  return positions() * width_ * static_cast<int64_t>(sizeof(float));
}

}  // namespace verge::serve
