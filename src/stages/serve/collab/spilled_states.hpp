#pragma once
// SpilledStates: hidden states of one session outside of memory, packed as they would travel.
//
//   VERGE_RETURN_IF_ERROR(aside.put(4, rows, 0));   // positions 4.. of a decoded text
//   VERGE_RETURN_IF_ERROR(aside.restore(4, [&](int64_t position, auto rows, int64_t prompt_end)
//   ...));

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/stages/serve/scheduler/spill_room.hpp>

namespace verge::serve {

/// Where the states of sessions may go. `codec`: of platform/net/codec.
struct StateSpill {
  SpillRoom* room = nullptr;
  std::string codec = "f16";
};

class SpilledStates {
 public:
  using Visit =
      std::function<void(int64_t position, std::span<const float> row, int64_t prompt_end)>;

  SpilledStates(const StateSpill& spill, int64_t width) : spill_(spill), width_(width) {}

  bool has(int64_t position) const;
  /// rows [n, width] of positions from `position` on, instead of those that are here. What the
  /// codec cannot hold is kept in f32. Fails as Spilled::append: after OutOfMemory all is as
  /// before, after Io nothing is here any more.
  Status put(int64_t position, std::span<const float> rows, int64_t prompt_end);
  /// Visits what is here of the positions [from, to). Fails with Io, or Malformed for a file that
  /// has changed.
  Status restore(int64_t from, int64_t to, const Visit& visit) const;
  /// What is here from `position` on is not wanted any more.
  void forget(int64_t position);
  int64_t bytes() const { return bytes_ ? bytes_->bytes() : 0; }

 private:
  struct Piece {
    int64_t position = 0;
    int64_t rows = 0;
    int64_t prompt_end = 0;
    std::string codec = {};
    uint64_t offset = 0;
    size_t bytes = 0;
    uint64_t checksum = 0;
  };
  Status append(Piece piece, std::span<const std::byte> bytes);
  Status restore(size_t piece, int64_t from, int64_t to, const Visit& visit) const;

  StateSpill spill_;
  int64_t width_;
  std::unique_ptr<Spilled> bytes_;
  std::vector<Piece> pieces_;
  std::vector<int32_t> piece_of_;  // by position; -1: none
};

}  // namespace verge::serve
