#pragma once
// CostModel: what a split language model will cost, from measured times of its parts, a link, and
// where tokens leave; and the cut that costs least. Pure functions.
//
// Runs of n rows take `base + n * row` a layer: one row reads the weights, more rows share that.
// The device never waits for what it sends: a token that is asked for waits for what is left of the
// states behind the link, a round trip, and the server, which runs all positions since the last
// question at once.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/stages/serve/collab/threshold_fit.hpp>

namespace verge::serve {

struct RunCost {
  double base_s = 0;
  double row_s = 0;
  double of(double rows) const { return base_s + rows * row_s; }
};

/// One machine.
struct NodeCost {
  RunCost layer = {};
  double head_s = 0;  // norm, vocabulary, confidence
};

struct LinkCost {
  double bytes_per_s = 0;  // up
  double round_trip_s = 0;
};

struct SplitCase {
  int64_t layers = 0;
  int64_t exit1 = 0;
  int64_t exit2 = 0;
  double bytes_per_state = 0;
  double encode_s = 0;   // of the device, to pack one
  ExitRates rates = {};  // shares of tokens by exit, as threshold_fit predicts them
};

struct PredictedCost {
  double token_s = 0;              // until the next token, on average
  double edge_s = 0;               // of it, the device runs
  double exposed_s = 0;            // of it, the device waits for the link
  double server_s = 0;             // of it, the device waits for the server
  double server_load_s = 0;        // of the server's engine for each token, alone
  double server_layer_tokens = 0;  // for each token; the whole model at the server: `layers`
  double bytes_up = 0;             // for each token
};

/// Averages over a long answer whose tokens leave independently by the case's rates.
PredictedCost predict_cost(const SplitCase& split, const NodeCost& device, const NodeCost& server,
                           const LinkCost& link);

/// The whole model at the server, one token after another.
PredictedCost predict_cloud_cost(int64_t layers, const NodeCost& server, const LinkCost& link);

/// One way to cut a model and to send its states, with the thresholds that keep its promise.
struct SplitChoice {
  std::string name = {};
  SplitCase split = {};
  double theta1 = 1;
  double theta2 = 1;
};

struct PlannedSplit {
  size_t choice = 0;  // index
  PredictedCost cost = {};
};

/// The choice of the least token_s, of equals that of the least load on the server, among those
/// whose server_load_s is at most `most_load_s` (0: any). Fails with InvalidArgument for no choice,
/// Unsupported where none is within that load, naming the least there is.
Result<PlannedSplit> plan_split(std::span<const SplitChoice> choices, const NodeCost& device,
                                const NodeCost& server, const LinkCost& link,
                                double most_load_s = 0);

/// Least squares of base and row over measured runs. Fails with InvalidArgument for fewer than two
/// different numbers of rows.
struct MeasuredRun {
  double rows = 0;
  double seconds = 0;
};
Result<RunCost> fit_run_cost(std::span<const MeasuredRun> runs);

}  // namespace verge::serve
