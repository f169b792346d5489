#pragma once
// What a model's exits say of a text, beside what the whole model says: the records from which
// thresholds are fitted (threshold_fit.hpp), and the temperatures that make confidences true.

#include <verge/engine/model/language_model.hpp>
#include <verge/stages/serve/collab/exit_confidence.hpp>
#include <verge/stages/serve/collab/threshold_fit.hpp>

namespace verge::serve {

struct CalibrationOptions {
  int64_t window = 128;  // tokens of a context
  int64_t stride = 8;    // tokens from one record to the next: neighbours say much the same
  int64_t most_records = 4000;
  ConfidenceMeasure measure = ConfidenceMeasure::MaxProbability;
};

struct ExitCalibration {
  CalibrationFit exit1 = {};
  CalibrationFit exit2 = {};
  /// At these temperatures, of the part of the text that they were not fitted on.
  std::vector<ExitRecord> records = {};
};

/// Runs a whole model over held-out text, given to it token by token: the first quarter of the
/// records fits temperatures to the text's own next tokens, the others become records. Fails with
/// InvalidArgument for a text of fewer than four windows or a stride of none, Unsupported for exits
/// that are not there; as the engine does, too. Cost: one run over the text; logits of a quarter of
/// the records are kept.
Result<ExitCalibration> calibrate_exits(model::LanguageModel& model, int64_t exit1, int64_t exit2,
                                        std::span<const int32_t> text,
                                        const CalibrationOptions& options);

}  // namespace verge::serve
