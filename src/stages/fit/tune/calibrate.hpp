#pragma once
// calibrate: an f32 classifier becomes a network of 8-bit levels (nn/level_network.hpp), whose
// ranges are those that its activations have on pictures.

#include <verge/stages/fit/calibration/calibration.hpp>
#include <verge/stages/fit/tune/task_data.hpp>

namespace verge::fit {

struct CalibrationOptions {
  CalibrationMethod method = CalibrationMethod::MinMax;
  int64_t pictures = 0;  // at most
};

/// Runs `base`, of batch 1, over the first training pictures of `data`, and writes the network of
/// levels to `path` (model/level_file.hpp). Fails as open_task_data, nn::to_levels and writing do;
/// with Unsupported for a language model or a network of levels; with InvalidArgument, naming it,
/// for an activation that is no finite number on a picture.
Status write_calibrated(const BaseModel& base, const DataOptions& data,
                        const CalibrationOptions& options, const std::string& path,
                        ThreadPool& pool);

}  // namespace verge::fit
