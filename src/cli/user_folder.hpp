#pragma once
// Where a user's files belong, by the XDG base directory specification.

#include <string>

namespace verge::cli {

/// $`variable`/verge where that environment variable is set, else ~/`below_home`/verge; empty where
/// neither it nor HOME is.
std::string user_folder(const char* variable, const char* below_home);

}  // namespace verge::cli
