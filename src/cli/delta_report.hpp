#pragma once
// What commands say of a delta.

#include <string>

#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/progress.hpp>
#include <verge/engine/runtime/delta.hpp>

namespace verge::cli {

/// "5 of 12 tensors changed, 12.0 KiB of 1.2 MiB (1.0 %)".
std::string show_size(const runtime::DeltaSize& size);
Json size_json(const runtime::DeltaSize& size);

/// What a delta file holds, as `verge inspect` prints it. Fails as runtime::open_delta does.
Status inspect_delta(const std::string& path, Context& context);

/// A bar of bytes, ended by an interrupt; both must outlive it.
runtime::DeltaWatch delta_watch(Progress& progress, const Clock& clock);

}  // namespace verge::cli
