#pragma once
// `verge run --cloud HOST:PORT`: this machine's share of a split model answers, and a node of the
// fleet finishes what its early exits are not sure of.

#include <verge/cli/command.hpp>
#include <verge/cli/emulated_link.hpp>
#include <verge/cli/node_home.hpp>
#include <verge/cli/options.hpp>
#include <verge/stages/serve/collab/edge_driver.hpp>

namespace verge::cli {

/// What to answer, of the command's own options.
struct CollabPrompt {
  std::string text;
  int64_t max_tokens = -1;
  bool ignore_end = false;
  bool echo = false;
  text::SamplerOptions sampling = {};
};

struct CollabRunOptions {
  std::string cloud;
  std::string mode;
  NodeHome home;
  EmulatedLinkOptions link;
  std::string codec = "f16";
  double theta1 = 0.9;
  double theta2 = 0.9;
  std::string policy;  // a file of `verge fit exits`, in place of the thresholds
  double deadline_s = 10;
  bool explain = false;
  bool compare = false;

  void declare(Parser& parser);
  /// --cloud or --mode was given.
  bool is_wanted() const { return !cloud.empty() || !mode.empty(); }
};

/// Fails as the engine and the node's credentials do; because of the link only where the cloud does
/// all of the work.
Status run_collab(const CollabRunOptions& options, const ModelOptions& model,
                  const CollabPrompt& prompt, Context& context);

}  // namespace verge::cli
