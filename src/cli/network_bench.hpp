#pragma once
// `verge bench NET.onnx`: how long one run takes.

#include <verge/cli/backend_options.hpp>
#include <verge/cli/command.hpp>
#include <verge/cli/network_options.hpp>
#include <verge/cli/options.hpp>
#include <verge/stages/serve/bench/network_bench.hpp>

namespace verge::cli {

Status bench_network(const ShapeOptions& shapes, const serve::NetworkBenchOptions& options,
                     bool shows_kernels, const BackendOptions& backend, const ModelOptions& model,
                     Context& context);

}  // namespace verge::cli
