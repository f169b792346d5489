#pragma once
// `verge fit exits`: thresholds, temperatures and codecs of a model's exits on a text; and, for a
// link and a device, what each pair of exits will cost.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <verge/cli/emulated_link.hpp>
#include <verge/cli/exit_policy.hpp>
#include <verge/cli/options.hpp>
#include <verge/stages/serve/collab/exit_calibration.hpp>
#include <verge/stages/serve/collab/promise_trial.hpp>

namespace verge::cli {

struct ExitFitOptions {
  ModelOptions model = {};
  std::string text = {};            // a file
  std::vector<int64_t> exits = {};  // two; empty: the first two, or with a link the best
  serve::ThresholdOptions thresholds = {};
  serve::CalibrationOptions calibration = {};
  int64_t splits = 0;      // random halves to try the promise on
  std::string codec = {};  // empty: chosen
  std::string check = {};  // a policy to judge by the text, in place of a fit
  EmulatedLinkOptions link = {};
  double device_speed = 1;  // of this machine's
  std::string device = {};  // a policy that was fitted on the device
};

/// Two exits of the calibration, for a device that has both.
struct PairFit {
  std::array<size_t, 2> exits = {};  // indices in the calibration
  serve::ThresholdFit thresholds = {};
  serve::PredictedCost cost = {};  // where there is a link
};

struct ExitPlan {
  serve::LinkCost link = {};
  serve::NodeCost machine = {};  // this one: the server
  serve::NodeCost device = {};
  serve::PredictedCost cloud = {};  // all of the model at the server
};

struct ExitFit {
  ExitPolicy policy = {};  // of the chosen pair
  serve::ExitCalibration calibration = {};
  std::vector<PairFit> pairs = {};
  size_t chosen = 0;  // index
  std::optional<ExitPlan> plan = {};
  std::optional<serve::PromiseTrial> trial = {};

  const PairFit& pair() const { return pairs[chosen]; }
  const serve::ExitCodecs& codecs() const { return calibration.codecs[pair().exits[0]]; }
};

/// Fails as calibrate_exits, fit_thresholds and measure_node do, and as files and options are read.
Result<ExitFit> fit_exits(ExitFitOptions options);

}  // namespace verge::cli
