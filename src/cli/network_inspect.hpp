#pragma once
// `verge inspect NET.onnx`: what the network takes, gives and is made of.

#include <string>

#include <verge/cli/backend_options.hpp>
#include <verge/cli/command.hpp>
#include <verge/cli/network_options.hpp>

namespace verge::cli {

Status inspect_network(const std::string& path, Context& context);
/// How the network, with inputs of these shapes, would be shared out between the CPU and a backend.
/// Fails with InvalidArgument for "auto", which is measured.
Status inspect_partition(const std::string& path, const ShapeOptions& shapes,
                         const BackendOptions& backend, Context& context);

}  // namespace verge::cli
