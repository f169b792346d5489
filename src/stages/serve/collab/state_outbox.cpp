#include <algorithm>

#include <verge/stages/serve/collab/state_outbox.hpp>

namespace verge::serve {

void StateOutbox::push(int64_t position, int64_t prompt_end, std::span<const float> rows,
                       double now_s) {
  VERGE_CHECK(!rows.empty() && rows.size() % static_cast<size_t>(width_) == 0, rows.size(), width_);
  if (runs_.empty()) since_s_ = now_s;
  const bool goes_on = !runs_.empty() && runs_.back().prompt_end == prompt_end &&
                       runs_.back().position + tokens_of(runs_.back()) == position;
  if (!goes_on) runs_.push_back({position, prompt_end});
  std::vector<float>& all = runs_.back().rows;
  all.insert(all.end(), rows.begin(), rows.end());
}

bool StateOutbox::is_due(double now_s) const {
  if (runs_.empty()) return false;
  return runs_.size() > 1 || now_s - since_s_ >= kLongestWaitS ||
         tokens_of(runs_.front()) * bytes_per_state_ >= kWorthSendingBytes;
}

void StateOutbox::pop(double now_s) {
  runs_.erase(runs_.begin());
  since_s_ = now_s;
}

void StateOutbox::rewind(int64_t position) {
  for (StateRun& run : runs_) {
    const int64_t keep = std::clamp<int64_t>(position - run.position, 0, tokens_of(run));
    run.rows.resize(static_cast<size_t>(keep * width_));
  }
  std::erase_if(runs_, [](const StateRun& run) { return run.rows.empty(); });
}

int64_t StateOutbox::bytes() const {
  int64_t tokens = 0;
  for (const StateRun& run : runs_) tokens += tokens_of(run);
  return tokens * bytes_per_state_;
}

}  // namespace verge::serve
