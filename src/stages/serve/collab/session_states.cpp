#include <algorithm>

#include <verge/core/result.hpp>
#include <verge/stages/serve/collab/session_states.hpp>

namespace verge::serve {

SessionStates::SessionStates(int64_t width, const StateSpill& spill)
    : width_(width), keeps_computed_(spill.room != nullptr), aside_(spill, width) {}

void SessionStates::find_ready() {
  for (auto row = rows_.find(ready_); row != rows_.end() && row->first == ready_; ++row) ++ready_;
}

void SessionStates::add(int64_t position, std::span<const float> rows, int64_t prompt_end) {
  const auto width = static_cast<size_t>(width_);
  VERGE_CHECK(rows.size() % width == 0, rows.size(), width_);
  for (; !rows.empty(); rows = rows.subspan(width), ++position) {
    if (position < done_) continue;
    if (rows_.contains(position)) continue;
    rows_.emplace(position, Row{{rows.begin(), rows.begin() + width_}, prompt_end});
  }
  find_ready();
}

std::optional<PositionRange> SessionStates::missing(int64_t to) const {
  const int64_t from = held();
  if (from >= to) return std::nullopt;
  const auto next = rows_.upper_bound(from);
  const int64_t last = next == rows_.end() ? to : std::min(to, next->first);
  int64_t end = from + 1;
  while (end < last && !aside_.has(end)) ++end;
  return PositionRange{from, end};
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
  if (!keeps_computed_) rows_.erase(rows_.begin(), rows_.lower_bound(done));
  done_ = done;
}

void SessionStates::rewind(int64_t done) {
  VERGE_CHECK(done >= 0 && done <= done_, done, done_);
  done_ = ready_ = done;
  find_ready();
}

bool SessionStates::enter_branch(int64_t number, int64_t from) {
  VERGE_CHECK(from >= 0, from);
  if (number <= branch_) return number == branch_;
  branch_ = number;
  rows_.erase(rows_.lower_bound(from), rows_.end());
  aside_.forget(from);
  done_ = std::min(done_, from);
  ready_ = std::min(ready_, from);
  return true;
}

void SessionStates::drop() {
  rows_.clear();
  aside_.forget(0);
  ready_ = done_;
}

Status SessionStates::put_aside(int64_t to) {
  constexpr int64_t kMostRows = 256;  // copied at once
  VERGE_CHECK(keeps_computed_, to);
  const auto end = rows_.lower_bound(to);
  for (auto row = rows_.begin(); row != end;) {
    const int64_t first = row->first, prompt_end = row->second.prompt_end;
    if (aside_.has(first)) {
      ++row;
      continue;
    }
    std::vector<float> run;
    for (int64_t next = first; row != end && row->first == next && next < first + kMostRows &&
                               row->second.prompt_end == prompt_end && !aside_.has(next);
         ++row, ++next) {
      run.insert(run.end(), row->second.values.begin(), row->second.values.end());
    }
    VERGE_RETURN_IF_ERROR(aside_.put(first, run, prompt_end));
  }
  rows_.erase(rows_.begin(), end);
  ready_ = done_;
  find_ready();
  return {};
}

Status SessionStates::bring_back(int64_t to) {
  const Status status = aside_.restore(
      done_, to, [&](int64_t position, std::span<const float> row, int64_t prompt_end) {
        add(position, row, prompt_end);
      });
  if (!status) aside_.forget(0);
  return status;
}

int64_t SessionStates::held() const {
  int64_t held = ready_;
  while (rows_.contains(held) || aside_.has(held)) ++held;
  return held;
}

int64_t SessionStates::bytes() const {
  return positions() * width_ * static_cast<int64_t>(sizeof(float));
}

int64_t SessionStates::waiting_bytes() const {
  const auto waiting = std::distance(rows_.lower_bound(done_), rows_.end());
  return waiting * width_ * static_cast<int64_t>(sizeof(float));
}

}  // namespace verge::serve
