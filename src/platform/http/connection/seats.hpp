#pragma once
// Seats: how many connections there are, in all and for each address.

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace verge::http {

/// Any thread; outlives its seats.
class Seats {
 public:
  enum class Kind { Regular, BeyondAddress };

  /// A connection's place among those counted, until destroyed, and once it sits, among those that
  /// there are. Movable.
  class Seat {
   public:
    Seat(Seats& seats, std::string address, Kind kind)
        : seats_(&seats), address_(std::move(address)), kind_(kind) {}
    ~Seat();
    Seat(Seat&& other) noexcept
        : seats_(std::exchange(other.seats_, nullptr)),
          address_(std::move(other.address_)),
          kind_(other.kind_),
          sits_(other.sits_) {}
    Seat& operator=(Seat&&) = delete;

    Kind kind() const { return kind_; }
    /// False while all that there are have been taken by others; true again and again.
    bool sit();

   private:
    Seats* seats_;
    std::string address_;
    Kind kind_;
    bool sits_ = false;
  };

  /// `most_an_address` 0: no limit.
  Seats(int most, int most_an_address) : most_(most), most_an_address_(most_an_address) {}

  /// Counts a connection, also one that will find no seat or is beyond the limit. An empty address
  /// has no limit of its own.
  Seat take(const std::string& address);
  int taken() const { return taken_; }
  int most() const { return most_; }

 private:
  const int most_;
  const int most_an_address_;
  std::atomic<int> taken_{0}, sitting_{0};
  std::mutex mutex_;
  std::unordered_map<std::string, int> by_address_;
};

}  // namespace verge::http
