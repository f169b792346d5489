#pragma once
// What a model's exits say of a text, beside what the whole model says: the records from which
// thresholds are fitted (threshold_fit.hpp), the temperatures that make confidences true, and the
// codecs that states may travel in.

#include <verge/engine/quality/calibration.hpp>
#include <verge/stages/serve/collab/codec_trial.hpp>
#include <verge/stages/serve/collab/exit_confidence.hpp>
#include <verge/stages/serve/collab/threshold_fit.hpp>

namespace verge::serve {

struct CalibrationOptions {
  int64_t window = 128;  // tokens of a context
  int64_t stride = 8;    // tokens from one record to the next: neighbours say much the same
  int64_t most_records = 4000;
  ConfidenceMeasure measure = ConfidenceMeasure::MaxProbability;
  std::vector<std::string> codecs = {"f16", "int8", "int4", "int4h"};  // to choose from
  CodecChoice choice = {};
  std::vector<double> temperatures = {};  // of each exit, to judge others' by; empty: fitted
};

/// Of one exit, at one position.
struct ExitOpinion {
  double confidence = 0;      // at the exit's fitted temperature
  bool agrees = false;        // its likeliest token is the whole model's
  bool agrees_coded = false;  // so is that of the layers above, behind the exit's chosen codec
};

/// States after an exit on their way to the server.
struct ExitCodecs {
  std::vector<CodecLoss> losses = {};  // of all codecs to choose from, in their order
  size_t chosen = 0;                   // index
};

struct ExitCalibration {
  std::vector<int64_t> exits = {};  // layers before each
  std::vector<quality::CalibrationFit> fits = {};
  std::vector<ExitCodecs> codecs = {};     // of each exit but the last
  std::vector<ExitOpinion> opinions = {};  // [positions, exits], of what was not fitted on

  /// Of a device that has two of the exits, by their indices, first < second.
  std::vector<ExitRecord> records(size_t first, size_t second) const;
};

/// Tokens of cache that calibrate_exits takes for so many exits: LoadOptions::kv_tokens.
int64_t calibration_kv_tokens(int64_t exits, const CalibrationOptions& options);

/// Runs a whole model over held-out text, given to it token by token, at two or more of its exits,
/// in their order: the first quarter of the positions fits temperatures to the text's own next
/// tokens and chooses codecs, the others become opinions. Fails with InvalidArgument for a text of
/// fewer than four windows, a stride of none, no codecs or exits out of order, Unsupported for
/// exits that are not there; as the engine does, too. Cost: two runs over the text, on its first
/// quarter one for each codec and exit; logits of that quarter are kept.
Result<ExitCalibration> calibrate_exits(model::LanguageModel& model, std::span<const int64_t> exits,
                                        std::span<const int32_t> text,
                                        const CalibrationOptions& options, const Clock& clock);

}  // namespace verge::serve
