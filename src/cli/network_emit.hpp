#pragma once
// What `compile --emit c` and `--emit elf` write: a network as C or as a program of its own.

#include <string>

#include <verge/cli/command.hpp>
#include <verge/cli/network_options.hpp>

namespace verge::cli {

/// --emit, --target, --shape, --value.
struct EmitOptions {
  std::string emit = "plan";
  std::string target = "host";
  ShapeOptions shapes;

  void declare(Parser& parser);
  bool is_plan() const { return emit == "plan"; }
  /// Of a plan: fails with InvalidArgument for options that are not for it.
  Status check_plan() const;
};

/// MODEL is an ONNX network or a classifier of train image. Fails with Unsupported for others.
Status emit_network(const EmitOptions& options, const std::string& model, const std::string& output,
                    Context& context);

}  // namespace verge::cli
