#pragma once
// SessionStates: the hidden states that a server holds for one session, by position, until it has
// computed them. They may come in any order, twice, and late. Where they can be put aside they are
// kept after that, too, for keys and values that are lost.
//
//   states.add(4, rows, {});                       // positions 4.. of a decoded text
//   if (const auto gap = states.missing(9)) ...    // ask for [gap->from, gap->to) again
//   states.copy(states.done(), 9);                 // [9 - done, width], to run
//   states.advance(9);                             // computed: their states are gone

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include <verge/stages/serve/collab/spilled_states.hpp>

namespace verge::serve {

/// Positions from `from` on, below `to`.
struct PositionRange {
  int64_t from = 0;
  int64_t to = 0;
  bool operator==(const PositionRange&) const = default;
};

class SessionStates {
 public:
  explicit SessionStates(int64_t width, const StateSpill& spill = {});

  /// rows [n, width] of the positions from `position` on. `prompt_end`: where the prompt ends that
  /// they are of; 0 for tokens that were decoded one by one. Positions that are done, or there,
  /// stay as they are.
  void add(int64_t position, std::span<const float> rows, int64_t prompt_end);

  /// Positions below are computed.
  int64_t done() const { return done_; }
  /// Where what there is, from done() on, first has a gap.
  int64_t ready() const { return ready_; }
  /// The first gap below `to` of what there is, also aside.
  std::optional<PositionRange> missing(int64_t to) const;
  /// [to - from, width]; all must be there.
  std::vector<float> copy(int64_t from, int64_t to) const;
  /// As given to add(); the position must be there.
  int64_t prompt_end(int64_t position) const;
  /// Where, below ready(), the positions from `position` on end that have the same prompt_end.
  int64_t same_end(int64_t position) const;

  /// Positions below `done` are computed now; all of them must have been ready.
  void advance(int64_t done);
  /// What was computed from `done` on is gone; what is still here of its states, or was put aside,
  /// waits to be computed again.
  void rewind(int64_t done);
  void restart() { rewind(0); }
  /// Word of the text's branch `number`, which begins at `from` (protocol.hpp, TextBranch). Where
  /// it is newer than branch(), what was kept and computed from there on is gone; false where it is
  /// older, and its states are of no use.
  bool enter_branch(int64_t number, int64_t from);
  int64_t branch() const { return branch_; }

  /// All that is here is gone.
  void drop();

  /// Moves what is in memory of positions below `to` to the spill, which there must be. Fails as
  /// SpilledStates::put; then nothing has left memory.
  Status put_aside(int64_t to);
  /// Brings back what waits to be computed below `to`. Fails as SpilledStates::restore, and then
  /// nothing is there any more.
  Status bring_back(int64_t to);
  bool is_aside() const { return aside_.bytes() > 0; }
  /// Where what there is from done() on, also aside, first has a gap.
  int64_t held() const;

  int64_t bytes() const;          // in memory
  int64_t waiting_bytes() const;  // of it, those that are not computed
  int64_t positions() const { return static_cast<int64_t>(rows_.size()); }

 private:
  struct Row {
    std::vector<float> values;
    int64_t prompt_end;
  };
  void find_ready();

  int64_t width_;
  bool keeps_computed_;
  int64_t done_ = 0;
  int64_t ready_ = 0;
  std::map<int64_t, Row> rows_;
  SpilledStates aside_;
  int64_t branch_ = 0;
};

}  // namespace verge::serve
