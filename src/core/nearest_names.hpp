#pragma once
// Which known names a mistyped one may have meant.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace verge {

/// At most three, nearest first: those that contain `name`, or that a few single-letter edits
/// (Levenshtein 1966) make of it, at most a third of its length.
std::vector<std::string> nearest_names(std::string_view name, std::span<const std::string> known);

}  // namespace verge
