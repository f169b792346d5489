#include <algorithm>
#include <cmath>

#include <verge/stages/serve/collab/cost_model.hpp>

namespace verge::serve {
namespace {

// Between two tokens that reach a place with chance `share` each.
double mean_gap(double share) {
  return share > 0 ? 1 / share : 0;
}

// What the device runs for a token: the first part always, the second for all that wait, once for
// each token that reaches it.
double edge_time(const SplitCase& split, const NodeCost& device) {
  const auto first = static_cast<double>(split.exit1);
  const auto second = static_cast<double>(split.exit2 - split.exit1);
  const double reaching = 1 - split.rates.exit1;
  const double flush_s = second * device.layer.of(mean_gap(reaching)) + device.head_s;
  return first * device.layer.of(1) + device.head_s + split.encode_s + reaching * flush_s;
}

// What is still behind the link when a token is asked for. Over the gap since the last question
// states came every `edge_s`; the newest of them has just come.
double backlog_time(const SplitCase& split, const LinkCost& link, double edge_s) {
  if (link.bytes_per_s <= 0) return 0;
  const double state_s = split.bytes_per_state / link.bytes_per_s;
  const double others = mean_gap(split.rates.cloud) - 1;
  return state_s + others * std::max(0.0, state_s - edge_s);
}

}  // namespace

PredictedCost predict_cost(const SplitCase& split, const NodeCost& device, const NodeCost& server,
                           const LinkCost& link) {
  VERGE_CHECK(0 < split.exit1 && split.exit1 < split.exit2 && split.exit2 <= split.layers,
              split.exit1, split.exit2, split.layers);
  PredictedCost cost;
  const double asked = split.rates.cloud;
  cost.bytes_up = split.bytes_per_state;
  cost.edge_s = edge_time(split, device);
  if (asked > 0) {
    const auto upper = static_cast<double>(split.layers - split.exit1);
    const double answer_s = upper * server.layer.of(mean_gap(asked)) + server.head_s;
    cost.exposed_s = asked * (backlog_time(split, link, cost.edge_s) + link.round_trip_s);
    cost.server_s = cost.server_load_s = asked * answer_s;
    cost.server_layer_tokens = upper;
  }
  cost.token_s = cost.edge_s + cost.exposed_s + cost.server_s;
  return cost;
}

PredictedCost predict_cloud_cost(int64_t layers, const NodeCost& server, const LinkCost& link) {
  PredictedCost cost;
  cost.server_s = static_cast<double>(layers) * server.layer.of(1) + server.head_s;
  cost.server_load_s = cost.server_s;
  cost.server_layer_tokens = static_cast<double>(layers);
  cost.exposed_s = link.round_trip_s;
  cost.token_s = cost.server_s + cost.exposed_s;
  return cost;
}

Result<PlannedSplit> plan_split(std::span<const SplitChoice> choices, const NodeCost& device,
                                const NodeCost& server, const LinkCost& link, double most_load_s) {
  if (choices.empty()) {
    return make_error(Code::InvalidArgument, "there is no split to choose; fit thresholds first");
  }
  std::optional<PlannedSplit> best;
  double least_load_s = INFINITY;
  for (size_t i = 0; i < choices.size(); ++i) {
    const PredictedCost cost = predict_cost(choices[i].split, device, server, link);
    least_load_s = std::min(least_load_s, cost.server_load_s);
    if (most_load_s > 0 && cost.server_load_s > most_load_s) continue;
    const bool is_better =
        !best || cost.token_s < best->cost.token_s ||
        (cost.token_s == best->cost.token_s && cost.server_load_s < best->cost.server_load_s);
    if (is_better) best = {i, cost};
  }
  if (best) return *best;
  return make_error(Code::Unsupported,
                    "each token may take {} s of the server, the least of all splits is {} s; "
                    "allow more, or promise less agreement",
                    most_load_s, least_load_s);
}

Result<RunCost> fit_run_cost(std::span<const MeasuredRun> runs) {
  const auto n = static_cast<double>(runs.size());
  double rows = 0, seconds = 0;
  for (const MeasuredRun& run : runs) {
    rows += run.rows / n;
    seconds += run.seconds / n;
  }
  double spread = 0, together = 0;
  for (const MeasuredRun& run : runs) {
    spread += (run.rows - rows) * (run.rows - rows);
    together += (run.rows - rows) * (run.seconds - seconds);
  }
  if (!(spread > 0)) {
    return make_error(Code::InvalidArgument,
                      "{} runs of one size say nothing of others; measure two sizes", runs.size());
  }
  const double row_s = together / spread;
  return RunCost{seconds - row_s * rows, row_s};
}

}  // namespace verge::serve
