#pragma once
// Nothing falls back in silence: a line on standard error for what no fast kernel runs.

#include <string>
#include <vector>

#include <verge/cli/command.hpp>

namespace verge::cli {

/// Returns `nodes`, which are as Plan::reference_nodes gives them.
std::vector<std::string> warn_of_reference(std::vector<std::string> nodes, Context& context);

}  // namespace verge::cli
