#pragma once
// StateOutbox: hidden states on their way to the server. They are gathered until they are worth a
// packet or have waited a while, and nothing here blocks: what the link cannot take stays.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::serve {

/// States [n, width] of consecutive positions, all of one prompt or all decoded.
struct StateRun {
  int64_t position = 0;
  int64_t prompt_end = 0;  // StatesMessage::prompt_end
  std::vector<float> rows = {};
};

/// A plain value.
class StateOutbox {
 public:
  static constexpr int64_t kWorthSendingBytes = 1400;
  static constexpr double kLongestWaitS = 0.005;

  /// `bytes_per_state`: as they will travel.
  StateOutbox(int64_t width, int64_t bytes_per_state)
      : width_(width), bytes_per_state_(bytes_per_state) {}

  /// Adds to the newest run where it goes on from there.
  void push(int64_t position, int64_t prompt_end, std::span<const float> rows, double now_s);
  /// Whether the oldest run should leave: it is large, or old, or another follows it.
  bool is_due(double now_s) const;
  bool is_empty() const { return runs_.empty(); }
  const StateRun& front() const { return runs_.front(); }
  /// The oldest run has left.
  void pop(double now_s);
  void clear() { runs_.clear(); }
  /// States of positions from `position` on are not wanted any more.
  void rewind(int64_t position);
  int64_t bytes() const;

 private:
  int64_t tokens_of(const StateRun& run) const {
    return static_cast<int64_t>(run.rows.size()) / width_;
  }

  int64_t width_;
  int64_t bytes_per_state_;
  std::vector<StateRun> runs_;
  double since_s_ = 0;  // the oldest run waits
};

}  // namespace verge::serve
