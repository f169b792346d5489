#include <algorithm>
#include <array>

#include <verge/stages/serve/collab/collab_policy.hpp>

namespace verge::serve {
namespace {

constexpr std::array<std::string_view, 5> kModeNames = {"standalone", "collab", "auto", "cloud",
                                                        "naive"};

constexpr double kSoonS = 0.005;  // what leaves within it is never late

double falling_threshold(const CollabPolicyOptions& options, const CollabPolicyState& state,
                         double expected_s) {
  const double budget_s = options.budget_steps * state.edge_step_s.value_or(0);
  const double least = std::min(options.theta_min, options.theta2);
  if (budget_s <= 0) return options.theta2;  // before the first step
  const double left = std::clamp((budget_s - expected_s) / budget_s, 0.0, 1.0);
  return least + (options.theta2 - least) * left;
}

}  // namespace

std::string_view name(CollabMode mode) {
  return kModeNames[static_cast<size_t>(mode)];
}

std::optional<CollabMode> collab_mode(std::string_view name) {
  const auto found = std::find(kModeNames.begin(), kModeNames.end(), name);
  if (found == kModeNames.end()) return std::nullopt;
  return static_cast<CollabMode>(found - kModeNames.begin());
}

std::optional<double> DrainMeter::observe(double now_s, int64_t taken, int64_t unsent) {
  const int64_t left = taken - unsent;
  const bool was_busy = is_busy_;
  is_busy_ = unsent > 0;
  if (!was_busy) {
    since_s_ = now_s;
    left_ = left;
  }
  if (!was_busy || !is_busy_ || left <= left_ || now_s <= since_s_) return std::nullopt;
  const double rate = static_cast<double>(left - left_) / (now_s - since_s_);
  since_s_ = now_s;
  left_ = left;
  return rate;
}

void WayMeter::leaves(double now_s, double way_s) {
  const double until_s = now_s + way_s;
  seconds_ += std::max(0.0, until_s - std::max(now_s, until_s_));
  until_s_ = std::max(until_s_, until_s);
}

double expected_finish_s(const CollabPolicyState& state, int64_t unsent_bytes) {
  const double rate = state.drain_bytes_per_s.value_or(0);
  const double drain_s = rate > 0 ? static_cast<double>(unsent_bytes) / rate : 0;
  return drain_s + state.round_trip_s.value_or(0) + state.queue_s.value_or(0) +
         state.server_step_s.value_or(0);
}

bool is_queue_late(const CollabPolicyState& state, int64_t unsent_bytes, double now_s) {
  if (!state.drain_bytes_per_s.is_known() || !state.asked_gap_s.is_known()) return false;
  const double next_s = state.asked_s + state.asked_gap_s.value_or(0);
  const double left_s = std::max(kSoonS, next_s - now_s);
  return static_cast<double>(unsent_bytes) > left_s * state.drain_bytes_per_s.value_or(0);
}

void observe_asked(CollabPolicyState& state, double now_s) {
  if (state.asked_s >= 0) state.asked_gap_s.add(now_s - state.asked_s);
  state.asked_s = now_s;
}

CollabDecision decide(const CollabPolicyOptions& options, const CollabPolicyState& state,
                      const CollabSituation& situation) {
  CollabDecision decision{.theta1 = options.theta1, .theta2 = options.theta2};
  if (options.mode == CollabMode::Standalone) {
    decision.theta2 = 0;
    return decision;
  }
  decision.expected_s = expected_finish_s(state, situation.unsent_bytes);
  decision.wait_s = options.token_deadline_s;
  const double left_s = situation.answer_deadline_s;
  if (left_s >= 0) decision.wait_s = std::min(decision.wait_s, left_s);
  const bool is_auto = options.mode == CollabMode::Auto;
  if (is_auto) decision.theta2 = falling_threshold(options, state, decision.expected_s);
  const bool is_late = is_auto && decision.expected_s > decision.wait_s;
  if (situation.is_connected && !state.is_link_down && !is_late) {
    decision.may_ask = true;
  } else {
    decision.probes = situation.is_connected && situation.now_s >= state.next_probe_s;
  }
  return decision;
}

void observe_token(CollabPolicyState& state, double elapsed_s, double server_s, double queue_s) {
  state.round_trip_s.add(std::max(0.0, elapsed_s - server_s - queue_s));
  state.server_step_s.add(server_s);
  state.queue_s.add(queue_s);
  state.is_link_down = false;
}

void observe_failure(CollabPolicyState& state, const CollabPolicyOptions& options, double now_s,
                     double retry_after_s) {
  state.is_link_down = true;
  state.next_probe_s = now_s + std::max(options.probe_interval_s, retry_after_s);
}

void observe_probe(CollabPolicyState& state, const CollabPolicyOptions& options, double now_s) {
  state.next_probe_s = now_s + options.probe_interval_s;
}

}  // namespace verge::serve
