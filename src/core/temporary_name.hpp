#pragma once
// Names beside the one that something will have when it is whole, and what is left under them of
// writers that were killed. Internal to this module.

#include <string>

#include <verge/core/descriptor.hpp>

namespace verge {

/// The folder that `path` is in; "." for a plain name.
std::string folder_of(const std::string& path);

/// For mkostemp and mkdtemp, of `path` without a slash at its end. Nobody else names files so.
std::string temporary_name(const std::string& path);

/// From now on no sweep takes the file or folder, until the descriptor is closed. False where one
/// has just done it: make another.
bool keep_from_sweeps(const Descriptor& opened, const std::string& temporary);

/// Removes files and folders under temporary names of `path` that are this user's and that nobody
/// keeps.
void sweep_abandoned(const std::string& path);

}  // namespace verge
