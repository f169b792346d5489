#pragma once
// From the range of an activation to its levels; part of to_levels (level_network.hpp), which
// declares level_form and ranged_values.

#include <verge/engine/nn/level_network.hpp>

namespace verge::nn {

/// The level of a value, or that of the end of the range where it is beyond.
int nearest_level(double value, const LevelForm& form);

/// Fails with InvalidArgument, naming the value, where a range of ranged_values is missing or none.
Status expect_ranges(const graph::Graph& graph, const std::string& images,
                     const ValueRanges& ranges);

}  // namespace verge::nn
