#pragma once
// The policy of the edge: what it knows of link and server, in; how sure an exit must be, and
// whether the server is asked at all, out. Pure functions over an explicit state: the same for a
// live device and for a simulator.
//
// Asking costs D = what waits to be sent / drain rate + round trip + the server's queue and step.
// In mode Auto the second exit's threshold falls as D takes up the budget (CE-CoLLM names a
// latency-aware exit but not its rule; this one is Verge's own):
//
//   theta = theta_min + (theta2 - theta_min) * clamp((budget - D) / budget, 0, 1)
//
// The first exit's stays: leaving there spares the device's time, not the link's. Where D exceeds
// what is left until the deadline, or the link is down, tokens are the device's own, but for one in
// a while that nobody waits for, which finds out when that has changed.

#include <cstdint>
#include <optional>
#include <string_view>

namespace verge::serve {

/// Standalone: never asks. Collab: fixed thresholds. Auto: latency-aware. Cloud, Naive: base lines,
/// the whole model at the server, and the split without overlap and without kept contexts.
enum class CollabMode { Standalone, Collab, Auto, Cloud, Naive };
std::string_view name(CollabMode mode);
std::optional<CollabMode> collab_mode(std::string_view name);

/// An exponentially weighted mean. A plain value.
class Ewma {
 public:
  static constexpr double kWeight = 0.2;  // of the newest
  void add(double sample) {
    value_ = is_known_ ? value_ + kWeight * (sample - value_) : sample, is_known_ = true;
  }
  bool is_known() const { return is_known_; }
  double value_or(double unknown) const { return is_known_ ? value_ : unknown; }

 private:
  double value_ = 0;
  bool is_known_ = false;
};

/// How fast bytes leave, seen while some wait: what a link with nothing to do could carry does not
/// show. A plain value.
class DrainMeter {
 public:
  /// `taken`: bytes handed to the link so far; `unsent` of them wait. Bytes a second since the last
  /// rate, or since they began to wait; nothing where none left, or all did: it may have been idle.
  std::optional<double> observe(double now_s, int64_t taken, int64_t unsent);
  /// What waits is no longer on its way: its link is gone.
  void forget() { is_busy_ = false; }

 private:
  bool is_busy_ = false;
  double since_s_ = 0;
  int64_t left_ = 0;  // bytes, at since_s_
};

/// For how long something is on its way, that leaves from time to time. A plain value.
class WayMeter {
 public:
  /// Something leaves for a way that takes `way_s`. What overlaps counts once.
  void leaves(double now_s, double way_s);
  double seconds() const { return seconds_; }

 private:
  double until_s_ = 0;
  double seconds_ = 0;
};

struct CollabPolicyOptions {
  CollabMode mode = CollabMode::Collab;
  double theta1 = 0.9;  // an exit keeps a token from this confidence on; 1: none
  double theta2 = 0.9;
  double theta_min = 0.5;   // Auto: the least that theta2 falls to
  double budget_steps = 4;  // Auto: of the edge's own steps; where theta2 has fallen to the least
  double token_deadline_s = 10;  // for one token that is asked for; then it is the device's own
  double probe_interval_s = 0.5;
};

/// The means are of what was seen last; a plain value.
struct CollabPolicyState {
  Ewma round_trip_s = {};
  Ewma drain_bytes_per_s = {};  // unknown: nothing has ever waited
  Ewma server_step_s = {};
  Ewma queue_s = {};
  Ewma edge_step_s = {};
  Ewma asked_gap_s = {};  // between tokens that the server is asked for
  double asked_s = -1;    // when it was asked last; -1: never
  bool is_link_down = false;
  double next_probe_s = 0;
};

struct CollabSituation {
  double now_s = 0;
  int64_t unsent_bytes = 0;       // what must leave before the server can answer
  bool is_connected = true;       // there is a channel
  double answer_deadline_s = -1;  // left until the whole answer is wanted; -1: no such wish
};

struct CollabDecision {
  double theta1 = 1;
  double theta2 = 1;
  double expected_s = 0;  // D
  double wait_s = 0;      // the longest to wait for the server
  bool may_ask = false;   // wait for the server's token
  bool probes = false;    // ask without waiting
};

/// D. Costs that were never seen count nothing.
double expected_finish_s(const CollabPolicyState& state, int64_t unsent_bytes);

CollabDecision decide(const CollabPolicyOptions& options, const CollabPolicyState& state,
                      const CollabSituation& situation);

/// Whether what waits to be sent takes longer to leave than it is, by the mean gap, until the
/// server is asked again. Not where no byte has ever waited, or it was not asked twice yet.
bool is_queue_late(const CollabPolicyState& state, int64_t unsent_bytes, double now_s);

/// The server is asked for a token.
void observe_asked(CollabPolicyState& state, double now_s);
/// A token came, whose Finish left `elapsed_s` ago; awaited or not, the link is up.
void observe_token(CollabPolicyState& state, double elapsed_s, double server_s, double queue_s);
/// None came in time, or the channel is gone, or the server is busy for `retry_after_s`.
void observe_failure(CollabPolicyState& state, const CollabPolicyOptions& options, double now_s,
                     double retry_after_s = 0);
/// A probe has left.
void observe_probe(CollabPolicyState& state, const CollabPolicyOptions& options, double now_s);

}  // namespace verge::serve
