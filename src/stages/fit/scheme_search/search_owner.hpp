#pragma once
// Whom a file of contributions belongs to: what was measured holds for no other search.

#include <string>
#include <string_view>

#include <verge/stages/fit/scheme_search/search_options.hpp>

namespace verge::fit {

/// How the owner of all that was measured of a model begins.
std::string owner_of_model(std::string_view model_hash);

/// Model, task, and all options that fine-tunings of the analysis go by; not the limits.
std::string owner_of_search(std::string_view model_hash, std::string_view task_checksum,
                            const SearchOptions& options);

}  // namespace verge::fit
