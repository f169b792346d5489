#pragma once
// `verge bench NET.onnx` and `verge bench NET.safetensors`: how long one run takes.

#include <verge/cli/backend_options.hpp>
#include <verge/cli/command.hpp>
#include <verge/cli/network_options.hpp>
#include <verge/cli/options.hpp>
#include <verge/stages/serve/bench/network_bench.hpp>

namespace verge::cli {

struct NetworkBenchOptions {
  int repeat = 10;
  bool profile = false;
  uint64_t seed = 1;  // of the inputs
};

/// Whether MODEL is a classifier's file (model/classifier.hpp), by its name.
bool is_classifier(const std::string& model);

Status bench_network(const ShapeOptions& shapes, const NetworkBenchOptions& options,
                     bool shows_kernels, const BackendOptions& backend, const ModelOptions& model,
                     Context& context);

}  // namespace verge::cli
