#pragma once
// ExitPolicy: how sure the exits of one model must be, as `verge fit exits` found and `verge run
// --policy` uses: a JSON file that names its model and the text it was fitted on.

#include <array>
#include <optional>
#include <string>

#include <verge/cli/json.hpp>
#include <verge/core/result.hpp>
#include <verge/stages/serve/collab/cost_model.hpp>
#include <verge/stages/serve/collab/exit_confidence.hpp>

namespace verge::cli {

struct ExitPolicy {
  std::string model_hash = {};
  std::array<int64_t, 2> exits = {};  // layers before each
  std::array<double, 2> thetas = {1, 1};
  std::array<double, 2> temperatures = {1, 1};
  serve::ConfidenceMeasure measure = serve::ConfidenceMeasure::MaxProbability;
  std::string codec = "f16";     // that states travel in
  double codec_kl = 0;           // nats, see serve::CodecLoss
  double agreement = 0;          // that was promised
  double bound = 0;              // upper bound of the disagreement
  double cloud_rate = 0;         // predicted
  std::string text_sha256 = {};  // of the calibration text
  int64_t records = 0;
  /// Times of the machine that it was fitted on, where they were measured.
  std::optional<serve::NodeCost> machine = {};
};

/// Its times, by their names in a policy.
Json to_json(const serve::NodeCost& node);

/// Whole or not at all.
Status write_policy(const ExitPolicy& policy, const std::string& path);
/// NotFound, or Malformed naming the field.
Result<ExitPolicy> read_policy(const std::string& path);
/// Conflict, with the remedy, for a policy of another model or other exits.
Status check_policy(const ExitPolicy& policy, const std::string& path,
                    const std::string& model_hash, std::array<int64_t, 2> exits);

}  // namespace verge::cli
