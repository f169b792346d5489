#include <ostream>

#include <verge/cli/optimizer_options.hpp>
#include <verge/core/units.hpp>

namespace verge::cli {

void OptimizerOptions::declare(Parser& parser, graph::OptimizerSpec& spec, int64_t& accumulate) {
  const auto add = [&](const char* option, auto& value, const char* text) {
    return parser.add_option(option, value, text).group("Optimizer");
  };
  add("--optimizer", name, "adamw, adamw8bit (moments in 8 bits), sgd or lion");
  add("--momentum", momentum, "Of sgd; 0 updates a matrix while its gradient is computed");
  add("--weight-decay", spec.weight_decay, "Of matrices and convolutions");
  add("--accumulate", accumulate, "Batches whose mean gradient makes one step").positive();
  add("--clip-grad", spec.global_norm,
      "Longest that all gradients may be together; 0 is off. Keeps all of them in memory");
  add("--clip-each", spec.max_norm, "Longest that each tensor's gradient may be; 0 is off");
}

Status OptimizerOptions::apply(graph::OptimizerSpec& spec) const {
  const auto kind = graph::optimizer_from_name(name.empty() ? "adamw" : name);
  if (!kind) {
    return make_error(Code::InvalidArgument, "--optimizer {}: give adamw, adamw8bit, sgd or lion",
                      name);
  }
  if (momentum < 0 || momentum >= 1) {
    return make_error(Code::InvalidArgument, "--momentum {}: give 0 or more, below 1", momentum);
  }
  if (momentum > 0 && *kind != graph::OptimizerKind::Sgd) {
    return make_error(Code::InvalidArgument, "--momentum is of sgd, not of {}; add --optimizer sgd",
                      name);
  }
  if (spec.global_norm < 0 || spec.max_norm < 0) {
    return make_error(Code::InvalidArgument, "--clip-grad and --clip-each: give 0 or more");
  }
  constexpr double kLionBeta2 = 0.99;  // Chen et al. 2023
  if (*kind == graph::OptimizerKind::Lion) spec.beta2 = kLionBeta2;
  spec.kind = *kind;
  spec.momentum = momentum;
  return {};
}

void print_clip_price(const graph::OptimizerSpec& spec, int64_t bytes, Context& context) {
  if (spec.global_norm <= 0 || context.quiet) return;
  context.err << fmt::format(
      "--clip-grad keeps all gradients until the last is there: {} more memory; --clip-each needs "
      "none\n",
      show_bytes(bytes));
}

}  // namespace verge::cli
