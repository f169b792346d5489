#include <verge/platform/http/connection/seats.hpp>

namespace verge::http {

Seats::Seat Seats::take(const std::string& address) {
  ++taken_;
  if (most_an_address_ == 0 || address.empty()) return {*this, {}, Kind::Regular};
  const std::lock_guard lock(mutex_);
  const bool is_beyond = ++by_address_[address] > most_an_address_;
  return {*this, address, is_beyond ? Kind::BeyondAddress : Kind::Regular};
}

bool Seats::Seat::sit() {
  int sitting = seats_->sitting_;
  while (!sits_ && sitting < seats_->most_) {
    sits_ = seats_->sitting_.compare_exchange_weak(sitting, sitting + 1);
  }
  return sits_;
}

Seats::Seat::~Seat() {
  if (seats_ == nullptr) return;
  --seats_->taken_;
  if (sits_) --seats_->sitting_;
  if (address_.empty()) return;
  const std::lock_guard lock(seats_->mutex_);
  const auto found = seats_->by_address_.find(address_);
  if (--found->second == 0) seats_->by_address_.erase(found);
}

}  // namespace verge::http
