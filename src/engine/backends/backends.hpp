#pragma once
// The backends that Verge knows, by name.
//
//   VERGE_TRY(auto backend, backends::make_backend("onednn"));
//   graph::optimize(graph, {.backend = backend.get()});        // regions for it become delegates
//   Plan::compile(graph, weights, states, pool, {.backends = {backend}});

#include <memory>
#include <span>
#include <string_view>

#include <verge/engine/runtime/backend.hpp>

namespace verge::backends {

struct BackendOptions {
  int64_t dsp_memory_bytes = int64_t{8} << 20;  // of int8-dsp
};

/// "int8-dsp", "onednn".
std::span<const std::string_view> backend_names();

/// Fails with InvalidArgument for a name that is none of these, and as the backend's own maker.
Result<std::shared_ptr<runtime::Backend>> make_backend(std::string_view name,
                                                       const BackendOptions& options = {});

}  // namespace verge::backends
