#include <algorithm>
#include <chrono>

#include <verge/engine/runtime/weight_stream.hpp>

namespace verge::runtime {

WeightStream::Slot::Slot(const StreamWindow& window) : room(window.slot_bytes()) {
  ranges.reserve(static_cast<size_t>(StreamWindow::kMostRanges));
}

WeightStream::WeightStream(StreamWindow window)
    : window_(window), packed_(allocate_aligned(static_cast<size_t>(window.packed_bytes()))) {
  VERGE_CHECK(window.slots >= 1, window.slots);
  for (int64_t i = 0; i < window.slots; ++i) slots_.emplace_back(window_);
  loader_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

WeightStream::~WeightStream() {
  loader_.request_stop();
  loader_.join();
}

std::shared_ptr<const StreamRing> WeightStream::share(StreamRing ring) {
  for (const StreamPiece& piece : ring) {
    int64_t bytes = 0;
    for (const FileRange& range : piece.ranges) bytes += range.bytes;
    VERGE_CHECK(bytes <= window_.piece_bytes, bytes, window_.piece_bytes);
    VERGE_CHECK(piece.ranges.size() <= StreamWindow::kMostRanges, piece.ranges.size());
  }
  for (const auto& known : rings_) {
    if (*known == ring) return known;
  }
  return rings_.emplace_back(std::make_shared<const StreamRing>(std::move(ring)));
}

void WeightStream::follow(const std::shared_ptr<const StreamRing>& ring) {
  const std::lock_guard lock(mutex_);
  const bool is_at_start = ring_ != nullptr && !error_ && ring == ring_ &&
                           passed_ % static_cast<int64_t>(ring->size()) == 0;
  if (is_at_start) return;
  ring_ = ring;
  ++round_;
  at_ = passed_ = loaded_ = released_ = 0;
  choices_.clear();
  chosen_ = 0;
  error_.reset();
  changed_.notify_all();
}

Result<std::span<const std::byte* const>> WeightStream::acquire(const std::atomic<bool>* cancel) {
  // Nobody wakes who waits when `cancel` is set: a signal does it, or a thread that knows no more.
  constexpr std::chrono::milliseconds kLook{5};
  std::unique_lock lock(mutex_);
  const double begin = loaded_ > released_ ? 0 : clock_.seconds();
  while (loaded_ == released_ && !error_) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      error_ = make_error(Code::Cancelled, "stopped");  // what was chosen was so for this run
      break;
    }
    changed_.wait_for(lock, kLook);
  }
  if (begin > 0) totals_.wait_s += clock_.seconds() - begin;
  if (loaded_ == released_) return *error_;
  const Slot& slot = slots_[static_cast<size_t>(released_ % window_.slots)];
  return std::span<const std::byte* const>(slot.ranges);
}

void WeightStream::release() {
  const std::lock_guard lock(mutex_);
  VERGE_CHECK(released_ < loaded_, released_, loaded_);
  ++released_;
  ++passed_;
  changed_.notify_all();
}

void WeightStream::choose(std::span<const uint8_t> needed) {
  const std::lock_guard lock(mutex_);
  if (chosen_ == choices_.size()) {
    choices_.clear();
    chosen_ = 0;
  }
  choices_.insert(choices_.end(), needed.begin(), needed.end());
  changed_.notify_all();
}

void WeightStream::skip() {
  const std::lock_guard lock(mutex_);
  ++passed_;
}

StreamTotals WeightStream::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

Status WeightStream::load(const StreamPiece& piece, Slot& slot) {
  slot.ranges.clear();
  std::span<std::byte> room = slot.room.span();
  for (const FileRange& range : piece.ranges) {
    const auto part = static_cast<size_t>(RangeReader::room_for(range.bytes));
    VERGE_TRY(const std::byte* data, range.file->read(range.offset, range.bytes, room.first(part)));
    slot.ranges.push_back(data);
    room = room.subspan(part);
  }
  return {};
}

bool WeightStream::has_work() const {
  if (ring_ == nullptr || ring_->empty() || error_ || loaded_ - released_ == window_.slots)
    return false;
  const bool is_optional = (*ring_)[static_cast<size_t>(at_) % ring_->size()].is_optional;
  return !is_optional || chosen_ < choices_.size();
}

// Slots are written by this thread alone, one after the other: what it still reads for a round that
// is over cannot meet what it reads for the next.
void WeightStream::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return has_work(); }) && !stop.stop_requested()) {
    const uint64_t round = round_;
    const std::shared_ptr<const StreamRing> ring = ring_;
    const StreamPiece& piece = (*ring)[static_cast<size_t>(at_) % ring->size()];
    if (piece.is_optional && choices_[chosen_++] == 0) {
      ++at_;
      continue;
    }
    Slot& slot = slots_[static_cast<size_t>(loaded_ % window_.slots)];
    lock.unlock();
    const double begin = clock_.seconds();
    const Status status = load(piece, slot);
    const double seconds = clock_.seconds() - begin;
    lock.lock();
    if (round != round_) continue;
    if (status) {
      ++at_;
      ++loaded_;
      totals_.read_s += seconds;
      for (const FileRange& range : piece.ranges) totals_.bytes += range.bytes;
    } else {
      error_ = status.error();
    }
    changed_.notify_all();
  }
}

}  // namespace verge::runtime
