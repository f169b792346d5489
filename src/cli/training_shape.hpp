#pragma once
// How large a step of training is: --batch and --shape of a network.

#include <verge/cli/network_options.hpp>
#include <verge/stages/fit/tune/base_model.hpp>

namespace verge::cli {

/// `shape` with what the options say of the inputs of the network at `path`, all of them (fit/tune/
/// network_inputs.hpp); a batch of 0 is what they or the file say, else 1. Fails as complete_shape
/// does, and reading options.
Result<fit::BaseShape> training_shape(const std::string& path, fit::BaseShape shape,
                                      const ShapeOptions& options);

}  // namespace verge::cli
