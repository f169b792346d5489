#include <cmath>

#include <verge/cli/collab_prediction.hpp>

namespace verge::cli {
serve::NodeCost at_speed(serve::NodeCost node, double speed) {
  node.layer.base_s /= speed;
  node.layer.row_s /= speed;
  node.head_s /= speed;
  return node;
}

serve::LinkCost link_cost(const net::LinkTrace& trace) {
  double bits = 0, delay = 0, length = 0;
  for (size_t i = 0; i < trace.steps.size(); ++i) {
    const bool is_last = i + 1 == trace.steps.size();
    const double end = is_last ? trace.period_s : trace.steps[i + 1].time_s;
    const double share = std::isfinite(end) ? end - trace.steps[i].time_s : 1;
    bits += share * trace.steps[i].bandwidth_bps;
    delay += share * trace.steps[i].delay_s;
    length += share;
  }
  return {.bytes_per_s = bits / length / 8, .round_trip_s = 2 * delay / length};
}

CollabPrediction predict_run(const CollabRunFacts& run, const serve::NodeCost& cost,
                             const std::optional<net::LinkTrace>& link) {
  const serve::CollabMetrics& metrics = run.metrics;
  const auto tokens = static_cast<double>(std::max<int64_t>(1, metrics.all_tokens()));
  const auto share = [&](serve::TokenPlace place) {
    return static_cast<double>(metrics.count(place)) / tokens;
  };
  const serve::SplitCase split{
      .layers = run.layers,
      .exit1 = run.exit1,
      .exit2 = run.exit2,
      .bytes_per_state = static_cast<double>(metrics.bytes_up) / tokens,
      .rates = {.exit1 = share(serve::TokenPlace::Exit1),
                .exit2 = share(serve::TokenPlace::Exit2) + share(serve::TokenPlace::Degraded),
                .cloud = share(serve::TokenPlace::Cloud)}};
  const serve::NodeCost server = at_speed(cost, 1 / run.server_slow);
  CollabPrediction prediction;
  prediction.cost = serve::predict_cost(split, at_speed(cost, 1 / run.edge_slow), server,
                                        link ? link_cost(*link) : serve::LinkCost{});
  const double prompt_s =
      static_cast<double>(run.layers - run.exit1) * server.layer.of(run.prompt_tokens) +
      server.head_s;
  prediction.server_engine_s =
      tokens * prediction.cost.server_load_s + static_cast<double>(run.answers) * prompt_s;
  return prediction;
}

}  // namespace verge::cli
