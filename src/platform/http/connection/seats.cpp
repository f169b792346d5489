#include <verge/platform/http/connection/seats.hpp>

namespace verge::http {

Seats::Seat Seats::take(const std::string& address) {
  const bool is_over = taken_.fetch_add(1) >= most_;
  const Kind kind = is_over ? Kind::BeyondAll : Kind::Regular;
  if (most_an_address_ == 0 || address.empty()) return {*this, {}, kind};
  const std::lock_guard lock(mutex_);
  const bool is_beyond = ++by_address_[address] > most_an_address_;
  return {*this, address, is_beyond ? Kind::BeyondAddress : kind};
}

Seats::Seat::~Seat() {
  if (seats_ == nullptr) return;
  seats_->taken_.fetch_sub(1);
  if (address_.empty()) return;
  const std::lock_guard lock(seats_->mutex_);
  const auto found = seats_->by_address_.find(address_);
  if (--found->second == 0) seats_->by_address_.erase(found);
}

}  // namespace verge::http
