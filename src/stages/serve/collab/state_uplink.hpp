#pragma once
// StateUplink: a device's side of what it tells the server: states as they come, packed, without
// ever holding up who makes them, and what must have left before an answer can come.

#include <string>

#include <verge/core/clock.hpp>
#include <verge/stages/serve/collab/cloud_link.hpp>
#include <verge/stages/serve/collab/collab_policy.hpp>
#include <verge/stages/serve/collab/state_noise.hpp>
#include <verge/stages/serve/collab/state_outbox.hpp>

namespace verge::serve {

struct UplinkOptions {
  std::string codec = "f16";
  int64_t width = 0;
  /// Nothing leaves before it is needed, and then the whole context does, each time: the base line
  /// that has no overlap and whose server keeps nothing.
  bool keeps_back = false;
  StateNoise noise = {0, 0};
  std::string late_codec = {};  // while the queue is late; empty: the same
};

/// The thread of its driver.
class StateUplink {
 public:
  /// The codec is one that there is.
  StateUplink(CloudLink& link, UplinkOptions options, const Clock& clock);

  void push(StateRun run);
  /// Sends what is worth a packet or has waited long enough, as far as the link takes it.
  void pump();
  /// Has all states leave, waiting for the send window until then; false where that is not enough,
  /// or the link is down.
  bool send_all(double until_s);
  bool send_again(std::span<const StateRun> runs, double until_s);
  bool send(const CollabMessage& message);
  /// Whether what has not been packed yet takes the late codec, from now on.
  void set_late(bool is_late) { is_late_ = is_late; }
  /// States that took it, of so many positions.
  int64_t late_states() const { return late_states_; }
  /// States of positions from `position` on are of another text than before; those that have not
  /// left are dropped, and what is sent says so. Not while states are kept back.
  void rewind(int64_t position);
  /// What is sent from now on is of this branch, which the server has not heard of.
  void begin_branch(const TextBranch& branch) { branch_ = branch, is_branch_known_ = false; }
  /// The server has said something of the newest branch.
  void hear_of_branch() { is_branch_known_ = true; }
  const TextBranch& branch() const { return branch_; }

  /// That must leave before the server can answer.
  int64_t unsent_bytes() const { return outbox_.bytes() + link_.unsent_bytes(); }
  bool has_unsent() const { return !outbox_.is_empty(); }
  /// A drain rate that was seen since the last call.
  std::optional<double> take_rate();
  /// Bytes that have left over the connection of now.
  int64_t left_bytes() const { return taken_bytes_ - link_.unsent_bytes(); }

 private:
  bool drain(bool only_due);
  Status send_run(const StateRun& run, const std::string& codec);
  Status send_counted(const CollabMessage& message);
  bool send_waiting(const StateRun& run, double until_s);
  void look();

  CloudLink& link_;
  const UplinkOptions options_;
  const Clock& clock_;
  StateOutbox outbox_;
  std::vector<StateRun> context_;  // kept back
  int64_t connection_ = 0;         // CloudLink::connections, whose channel the outbox is for
  DrainMeter drain_;
  std::optional<double> rate_;
  TextBranch branch_;
  bool is_branch_known_ = true;  // to the server
  bool is_late_ = false;
  int64_t late_states_ = 0;
  int64_t taken_bytes_ = 0;
};

}  // namespace verge::serve
