#include <algorithm>
#include <numeric>
#include <utility>

#include <verge/platform/http/connection/output_queue.hpp>

namespace verge::http {
namespace {

constexpr size_t kMostJoined = 16 << 10;

}  // namespace

std::string& OutputQueue::tail() {
  const bool is_full = waiting_.empty() || !waiting_.back().fixed.empty() ||
                       waiting_.back().own.size() > kMostJoined;
  if (is_full) waiting_.emplace_back();
  return waiting_.back().own;
}

void OutputQueue::append(std::string bytes) {
  if (bytes.size() <= kMostJoined) {
    tail() += bytes;
  } else {
    waiting_.push_back({std::move(bytes), {}});
  }
}

void OutputQueue::append_fixed(std::string_view bytes) {
  if (bytes.size() <= kMostJoined) {
    tail() += bytes;
  } else {
    waiting_.push_back({{}, bytes});
  }
}

std::span<const std::string_view> OutputQueue::next(size_t most) {
  if (part_ == writing_.size()) {
    writing_.clear();
    part_ = offset_ = 0;
    writing_.swap(waiting_);
  }
  view_count_ = 0;
  size_t offset = offset_;
  for (size_t part = part_; part < writing_.size() && most > 0; ++part, offset = 0) {
    if (view_count_ == views_.size()) break;
    const std::string_view view = writing_[part].view().substr(offset, most);
    most -= view.size();
    if (!view.empty()) views_[view_count_++] = view;
  }
  return {views_.data(), view_count_};
}

void OutputQueue::written() {
  for (size_t left = std::accumulate(
           views_.begin(), views_.begin() + static_cast<std::ptrdiff_t>(view_count_), size_t{0},
           [](size_t sum, std::string_view view) { return sum + view.size(); });
       part_ < writing_.size();) {
    const size_t step = std::min(left, writing_[part_].view().size() - offset_);
    offset_ += step;
    left -= step;
    if (offset_ < writing_[part_].view().size()) break;
    ++part_;
    offset_ = 0;
  }
  view_count_ = 0;
  if (part_ == writing_.size()) {
    writing_.clear();
    part_ = offset_ = 0;
  }
}

bool OutputQueue::empty() const {
  return bytes() == 0;
}

size_t OutputQueue::bytes() const {
  size_t sum = 0;
  for (const Part& part : waiting_) sum += part.view().size();
  for (size_t i = part_; i < writing_.size(); ++i) sum += writing_[i].view().size();
  return sum - (part_ < writing_.size() ? offset_ : 0);
}

}  // namespace verge::http
