#pragma once
// `verge run --cloud HOST:PORT`: this machine's share of a split model answers, and a node of the
// fleet finishes what its early exits are not sure of.

#include <verge/cli/collab_device.hpp>
#include <verge/cli/command.hpp>
#include <verge/cli/options.hpp>

namespace verge::cli {

/// What to answer, of the command's own options.
struct CollabPrompt {
  std::string text;
  int64_t max_tokens = -1;
  bool ignore_end = false;
  bool echo = false;
  text::SamplerOptions sampling = {};
  int64_t draft_tokens = 0;  // EdgeOptions::draft_tokens
};

struct CollabRunOptions {
  CollabOptions device;
  bool explain = false;
  bool compare = false;

  void declare(Parser& parser);
};

/// Fails as the engine and the node's credentials do; because of the link only where the cloud does
/// all of the work.
Status run_collab(const CollabRunOptions& options, const ModelOptions& model,
                  const CollabPrompt& prompt, Context& context);

}  // namespace verge::cli
