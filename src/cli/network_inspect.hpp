#pragma once
// `verge inspect NET.onnx`: what the network takes, gives and is made of.

#include <string>

#include <verge/cli/command.hpp>

namespace verge::cli {

Status inspect_network(const std::string& path, Context& context);

}  // namespace verge::cli
