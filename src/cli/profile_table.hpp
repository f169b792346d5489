#pragma once
// How commands show the time of a plan by operator.

#include <iosfwd>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <verge/engine/runtime/profile.hpp>

namespace verge::cli {

/// [{"op", "nodes", "reference_nodes", "seconds"}, ...].
nlohmann::ordered_json profile_json(const std::vector<runtime::OperatorTime>& profile);

/// A table with each operator's share; `title` heads the first column.
void print_profile(std::string_view title, const std::vector<runtime::OperatorTime>& profile,
                   std::ostream& out);

}  // namespace verge::cli
