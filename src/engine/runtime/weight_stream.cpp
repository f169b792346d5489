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
  // One request at a time leaves a device idle between two of them.
  constexpr int64_t kMostLoaders = 4;
  for (int64_t i = 0; i < std::min(kMostLoaders, window.slots); ++i) {
    loaders_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
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
  at_ = passed_ = claimed_ = released_ = 0;
  for (Slot& each : slots_) each.is_ready = false;
  choices_.clear();
  chosen_ = 0;
  error_.reset();
  changed_.notify_all();
}

Result<std::span<const std::byte* const>> WeightStream::acquire(const std::atomic<bool>* cancel) {
  // Nobody wakes who waits when `cancel` is set: a signal does it, or a thread that knows no more.
  constexpr std::chrono::milliseconds kLook{5};
  std::unique_lock lock(mutex_);
  const Slot& next = slot(released_);
  const double begin = next.is_ready ? 0 : clock_.seconds();
  const auto is_cancelled = [&] { return error_ && error_->code == Code::Cancelled; };
  // Pieces before the one that failed still come.
  while (!next.is_ready && (!error_ || next.is_busy) && !is_cancelled()) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      error_ = make_error(Code::Cancelled, "stopped");  // what was chosen was so for this run
      break;
    }
    changed_.wait_for(lock, kLook);
  }
  if (begin > 0) totals_.wait_s += clock_.seconds() - begin;
  if (!next.is_ready || is_cancelled()) return *error_;
  return std::span<const std::byte* const>(next.ranges);
}

void WeightStream::release() {
  const std::lock_guard lock(mutex_);
  VERGE_CHECK(slot(released_).is_ready, released_, claimed_);
  slot(released_).is_ready = false;
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
  if (ring_ == nullptr || ring_->empty() || error_ || claimed_ - released_ == window_.slots) {
    return false;
  }
  if (slots_[static_cast<size_t>(claimed_ % window_.slots)].is_busy) return false;
  const bool is_optional = (*ring_)[static_cast<size_t>(at_) % ring_->size()].is_optional;
  return !is_optional || chosen_ < choices_.size();
}

// A slot that is read into for a round that is over is taken again when that has ended.
void WeightStream::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return has_work(); }) && !stop.stop_requested()) {
    const uint64_t round = round_;
    const std::shared_ptr<const StreamRing> ring = ring_;
    const StreamPiece& piece = (*ring)[static_cast<size_t>(at_) % ring->size()];
    if (piece.is_optional && choices_[chosen_++] == 0) {
      ++at_;
      changed_.notify_all();
      continue;
    }
    Slot& mine = slot(claimed_);
    ++at_;
    ++claimed_;
    mine.is_busy = true;
    if (reading_++ == 0) reading_since_s_ = clock_.seconds();
    lock.unlock();
    const Status status = load(piece, mine);
    lock.lock();
    mine.is_busy = false;
    if (--reading_ == 0) totals_.read_s += clock_.seconds() - reading_since_s_;
    if (round != round_) {
      changed_.notify_all();
      continue;
    }
    mine.is_ready = status.ok();
    if (status) {
      for (const FileRange& range : piece.ranges) totals_.bytes += range.bytes;
    } else {
      error_ = status.error();
    }
    changed_.notify_all();
  }
}

}  // namespace verge::runtime
