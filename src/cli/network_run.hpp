#pragma once
// `verge run NET.onnx`: arrays in, arrays out.

#include <verge/cli/backend_options.hpp>
#include <verge/cli/command.hpp>
#include <verge/cli/options.hpp>

namespace verge::cli {

struct NetworkRunOptions {
  std::vector<std::string> inputs;
  std::string output_dir;
  BackendOptions backend;  // of pictures, too

  void declare(Parser& parser);
  /// Fails with InvalidArgument where a run needs more, naming the network.
  Status check(const std::string& model) const;
  bool is_given() const { return !inputs.empty() || !output_dir.empty(); }
};

/// After options.check(): runs the network once and writes OUTPUT.npy of each output into the
/// folder, which is made.
Status run_network(const NetworkRunOptions& options, const ModelOptions& model, Context& context);

}  // namespace verge::cli
