#pragma once
// What `compile --train --int8` trains: a network of 8-bit levels.

#include <string>

#include <verge/cli/training_compile.hpp>
#include <verge/stages/fit/tune/base_model.hpp>

namespace verge::cli {

/// The file itself, or what is calibrated of an f32 network of this shape and written beside
/// `output` or as --int8-out. Extents of the image are then those of the file: `shape` has none.
Result<std::string> network_of_levels(const TrainingCompileOptions& options,
                                      const std::string& path, const std::string& output,
                                      fit::BaseShape& shape, ThreadPool& pool);

}  // namespace verge::cli
