#include <algorithm>

#include <verge/core/clock.hpp>
#include <verge/engine/graph/passes/canonicalise.hpp>
#include <verge/engine/graph/passes/common_subexpressions.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fold_constants.hpp>
#include <verge/engine/graph/passes/fuse_cross_entropy.hpp>
#include <verge/engine/graph/passes/fuse_linear.hpp>
#include <verge/engine/graph/passes/fuse_projections.hpp>
#include <verge/engine/graph/passes/hoist_updates.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/graph/passes/reorder.hpp>
#include <verge/engine/graph/passes/update_into_gradient.hpp>

namespace verge::graph {

std::span<const Pass> all_passes() {
  static constexpr Pass kPasses[] = {
      {"dead_code", "removes what nobody reads", dead_code},
      {"canonicalise", "gives equal work one form, drops what changes nothing", canonicalise},
      {"fold_constants", "computes what depends on constants only", fold_constants},
      {"common_subexpressions", "computes equal things once", common_subexpressions},
      {"fuse_cross_entropy", "makes a written-out cross-entropy one operator", fuse_cross_entropy},
      {"fuse_linear", "gives products their bias, activation and residual", fuse_linear},
      {"fuse_projections", "joins query, key and value; gate and up", fuse_projections},
      {"update_into_gradient", "applies plain SGD inside the product", update_into_gradient},
      {"hoist_updates", "applies each gradient as soon as it is complete", hoist_updates},
      {"drop_leftovers", "removes what the other passes left unread", dead_code},
      {"reorder", "runs nodes in the order that needs the smallest arena", reorder},
  };
  return kPasses;
}

Result<Optimized> optimize(Graph graph, const PipelineOptions& options) {
  const auto passes = all_passes();
  for (const std::string& name : options.disabled) {
    if (std::ranges::find(passes, name, &Pass::name) == passes.end()) {
      return make_error(Code::InvalidArgument, "no pass {}; see `verge inspect --passes`", name);
    }
  }
  const SystemClock clock;
  Optimized result{std::move(graph), {}};
  for (const Pass& pass : passes) {
    if (std::ranges::find(options.disabled, pass.name) != options.disabled.end()) continue;
    const size_t nodes_before = result.graph.nodes.size();
    const Graph before = options.observe ? result.graph : Graph{};
    const double begin = clock.seconds();
    result.graph = pass.run(std::move(result.graph));
    result.report.push_back(
        {pass.name, nodes_before, result.graph.nodes.size(), clock.seconds() - begin});
    if (options.observe) options.observe(pass.name, before, result.graph);
#ifndef NDEBUG
    VERGE_RETURN_IF_ERROR(verify(result.graph));
#endif
  }
  return result;
}

}  // namespace verge::graph
