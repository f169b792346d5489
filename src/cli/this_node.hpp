#pragma once
// What this machine can do, as its node tells others.

#include <verge/core/clock.hpp>
#include <verge/platform/fleet/capability.hpp>

namespace verge::cli {

/// Rates are measured (about a third of a second) if `measure`, else 0.
fleet::Capability this_node(const std::string& name, fleet::Role role, bool measure,
                            const Clock& clock);

}  // namespace verge::cli
