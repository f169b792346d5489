#pragma once
// --optimizer and what goes with it, for the commands that train.

#include <string>

#include <verge/cli/command.hpp>
#include <verge/cli/parser.hpp>
#include <verge/engine/graph/autodiff.hpp>

namespace verge::cli {

struct OptimizerOptions {
  std::string name = "adamw";
  double momentum = 0;

  /// `spec` and `accumulate` are the defaults, and take what is given.
  void declare(Parser& parser, graph::OptimizerSpec& spec, int64_t& accumulate);
  /// Fails with InvalidArgument for an unknown name, or an option that the optimizer has not.
  Status apply(graph::OptimizerSpec& spec) const;
};

/// What clipping all gradients together costs in memory, on standard error.
void print_clip_price(const graph::OptimizerSpec& spec, int64_t bytes, Context& context);

}  // namespace verge::cli
