#include <algorithm>

#include <verge/core/clock.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fuse_projections.hpp>
#include <verge/engine/graph/passes/hoist_updates.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>

namespace verge::graph {

std::span<const Pass> all_passes() {
  static constexpr Pass kPasses[] = {
      {"dead_code", "removes what nobody reads", dead_code},
      {"hoist_updates", "applies each gradient as soon as it is complete", hoist_updates},
      {"fuse_projections", "joins query, key and value; gate and up", fuse_projections},
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
    const double begin = clock.seconds();
    Graph after = pass.run(result.graph);
    result.report.push_back(
        {pass.name, result.graph.nodes.size(), after.nodes.size(), clock.seconds() - begin});
    if (options.observe) options.observe(pass.name, result.graph, after);
#ifndef NDEBUG
    VERGE_RETURN_IF_ERROR(verify(after));
#endif
    result.graph = std::move(after);
  }
  return result;
}

}  // namespace verge::graph
