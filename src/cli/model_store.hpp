#pragma once
// The user's model store, and what he calls a model.

#include <string>

#include <verge/platform/store/store.hpp>

namespace verge::cli {

/// $VERGE_HOME, or $XDG_DATA_HOME/verge, or ~/.local/share/verge.
std::string store_root();

Result<store::Store> open_store();

/// The path behind a MODEL argument: an existing path, or the name of a stored model.
Result<std::string> model_path(const std::string& model);

}  // namespace verge::cli
