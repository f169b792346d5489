#pragma once
// Deltas between model files (tensor_file.hpp): the slices of tensors that changed and what changed
// around them (metadata, headers), bound to the base's, so that base and delta give the other file
// byte for byte.

#include <string>

#include <verge/engine/runtime/delta.hpp>

namespace verge::model {

/// Writes what turns one file into the other. Fails as TensorFile::open and runtime::write_delta
/// do: InvalidArgument where their tensors differ by name, type or shape.
Result<runtime::DeltaSize> diff_models(const std::string& base, const std::string& tuned,
                                       const std::string& path,
                                       const runtime::DeltaWatch& watch = {});

/// Writes the tuned file. A delta of tensors alone leaves all else as it is in the base. Fails as
/// TensorFile::open, runtime::open_delta and runtime::match_delta do, with Conflict for a base with
/// other metadata; then what was there stays.
Result<runtime::DeltaSize> apply_delta_to_file(const std::string& base, const std::string& path,
                                               const std::string& out,
                                               const runtime::DeltaWatch& watch = {});

}  // namespace verge::model
