#include <utility>

#include <verge/platform/http/connection/exchange.hpp>

namespace verge::http {
namespace {

// Callbacks are destroyed after the lock is given back, for they may hold the last writer.
using Callback = std::function<void(CloseReason)>;

}  // namespace

void Exchange::wake() {
  if (is_woken_ || fetcher_ == nullptr) return;
  is_woken_ = true;
  fetcher_->wake_later();
}

void Exchange::respond(Response response) {
  Callback dropped;
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::Waiting) return;
  stage_ = Stage::Complete;
  news_.head = std::move(response);
  news_.is_whole = news_.is_last = true;
  dropped.swap(on_close_);
  wake();
}

void Exchange::start(Response head) {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::Waiting) return;
  stage_ = Stage::Streaming;
  news_.head = std::move(head);
  wake();
}

bool Exchange::write(std::string_view piece) {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::Streaming || has_overflown_) return false;
  const size_t buffered = news_.pieces.size() + in_flight_;
  // A piece into an empty buffer is taken however long it is: the caller holds it anyway.
  has_overflown_ = buffered > 0 && buffered + piece.size() > most_buffered_;
  news_.is_overflow = has_overflown_;
  if (!has_overflown_) news_.pieces += piece;
  wake();
  return !has_overflown_;
}

void Exchange::end() {
  Callback dropped;
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::Streaming || has_overflown_) return;
  stage_ = Stage::Complete;
  news_.is_last = true;
  dropped.swap(on_close_);
  wake();
}

void Exchange::abort() {
  Callback dropped;
  const std::lock_guard lock(mutex_);
  if (!is_running()) return;
  stage_ = Stage::Aborted;
  news_.is_aborted = true;
  dropped.swap(on_close_);
  wake();
}

void Exchange::abandon() {
  Callback dropped;
  const std::lock_guard lock(mutex_);
  if (!is_running()) return;
  news_.is_unanswered = stage_ == Stage::Waiting;
  news_.is_aborted = stage_ == Stage::Streaming;
  stage_ = Stage::Aborted;
  dropped.swap(on_close_);
  wake();
}

void Exchange::on_close(Callback callback) {
  std::unique_lock lock(mutex_);
  const bool is_cut = stage_ == Stage::Cut;
  const CloseReason reason = reason_;
  if (is_running()) on_close_.swap(callback);
  lock.unlock();
  if (is_cut && callback) callback(reason);
}

bool Exchange::is_open() const {
  const std::lock_guard lock(mutex_);
  return is_running() && !has_overflown_;
}

size_t Exchange::buffered_bytes() const {
  const std::lock_guard lock(mutex_);
  return news_.pieces.size() + in_flight_;
}

Exchange::News Exchange::fetch() {
  const std::lock_guard lock(mutex_);
  is_woken_ = false;
  in_flight_ += news_.pieces.size();
  return std::exchange(news_, News());
}

void Exchange::set_in_flight(size_t bytes) {
  const std::lock_guard lock(mutex_);
  in_flight_ = bytes;
}

void Exchange::cut(CloseReason reason) {
  Callback callback;
  {
    const std::lock_guard lock(mutex_);
    if (!is_running()) return;
    stage_ = Stage::Cut;
    reason_ = reason;
    callback.swap(on_close_);
  }
  if (callback) callback(reason);
}

void Exchange::release() {
  const std::lock_guard lock(mutex_);
  fetcher_ = nullptr;
}

}  // namespace verge::http
