#pragma once
// What the cost model (serve/collab/cost_model.hpp) says of a run of `verge node bench`, from the
// times of the model's parts on this machine: beside what was measured it tells how far to trust
// plans.

#include <verge/platform/net/link/link_trace.hpp>
#include <verge/stages/serve/collab/collab_metrics.hpp>
#include <verge/stages/serve/collab/cost_model.hpp>

namespace verge::cli {

/// A machine so many times as fast.
serve::NodeCost at_speed(serve::NodeCost node, double speed);
/// Means over the time of a trace.
serve::LinkCost link_cost(const net::LinkTrace& trace);

/// What is known of a run of mode collab, beside its times.
struct CollabRunFacts {
  int64_t layers = 0;
  int64_t exit1 = 0;
  int64_t exit2 = 0;
  serve::CollabMetrics metrics = {};  // where tokens were made, and bytes
  double prompt_tokens = 0;           // on average
  int64_t answers = 0;
  double edge_slow = 1;    // times slower than the machine that `cost` is of
  double server_slow = 1;  // the same
};

struct CollabPrediction {
  serve::PredictedCost cost = {};
  double server_engine_s = 0;  // of all answers, prompts included
};

/// `link`: both ways; nothing: none.
CollabPrediction predict_run(const CollabRunFacts& run, const serve::NodeCost& cost,
                             const std::optional<net::LinkTrace>& link);

}  // namespace verge::cli
