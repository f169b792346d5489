#pragma once
// onednn: Intel's library of kernels (https://github.com/oneapi-src/oneDNN, version 2) as a
// backend: f32 image networks and products, in the host's memory, on the plan's own threads.

#include <memory>

#include <verge/engine/runtime/backend.hpp>

namespace verge::backends {

constexpr std::string_view kOneDnn = "onednn";

/// Loads the library; it asks oneDNN how each node would run on this machine and refuses those that
/// only its slow reference runs. Fails with NotFound naming the package where the library is
/// missing, Unsupported where this build knows no oneDNN.
Result<std::shared_ptr<runtime::Backend>> make_onednn();

}  // namespace verge::backends
