#include <algorithm>

#include <verge/core/clock.hpp>
#include <verge/engine/graph/passes/canonicalise.hpp>
#include <verge/engine/graph/passes/common_subexpressions.hpp>
#include <verge/engine/graph/passes/compute_bf16.hpp>
#include <verge/engine/graph/passes/dead_code.hpp>
#include <verge/engine/graph/passes/fold_constants.hpp>
#include <verge/engine/graph/passes/fuse_activations.hpp>
#include <verge/engine/graph/passes/fuse_batch_norm.hpp>
#include <verge/engine/graph/passes/fuse_conv.hpp>
#include <verge/engine/graph/passes/fuse_conv_gradient.hpp>
#include <verge/engine/graph/passes/fuse_cross_entropy.hpp>
#include <verge/engine/graph/passes/fuse_expand_depthwise.hpp>
#include <verge/engine/graph/passes/fuse_linear.hpp>
#include <verge/engine/graph/passes/fuse_norm.hpp>
#include <verge/engine/graph/passes/fuse_projections.hpp>
#include <verge/engine/graph/passes/fuse_written_norms.hpp>
#include <verge/engine/graph/passes/hoist_updates.hpp>
#include <verge/engine/graph/passes/int8_pixels.hpp>
#include <verge/engine/graph/passes/lower_int8.hpp>
#include <verge/engine/graph/passes/merge_again.hpp>
#include <verge/engine/graph/passes/partition.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/graph/passes/reorder.hpp>
#include <verge/engine/graph/passes/update_into_gradient.hpp>

namespace verge::graph {
namespace {

template <Graph (*pass)(Graph)>
Graph always(Graph graph, const PipelineOptions&) {
  return pass(std::move(graph));
}

Graph adapters_asked_for(Graph graph, const PipelineOptions& options) {
  if (options.adapters == nullptr) return graph;
  return attach_adapters(std::move(graph), *options.adapters);
}

Graph bf16_asked_for(Graph graph, const PipelineOptions& options) {
  return options.bf16 ? compute_bf16(std::move(graph)) : graph;
}

Graph partition_asked_for(Graph graph, const PipelineOptions& options) {
  if (options.backend == nullptr) return graph;
  return partition(std::move(graph), *options.backend, options.partition_report);
}

Graph folding_asked_for(Graph graph, const PipelineOptions& options) {
  return options.parameters ? fold_affine(std::move(graph), options.parameters) : graph;
}

Graph levels_as_said(Graph graph, const PipelineOptions& options) {
  return lower_int8(std::move(graph), options.parameters);
}

Graph layout_asked_for(Graph graph, const PipelineOptions& options) {
  return choose_layout(std::move(graph), options.node_seconds);
}

}  // namespace

std::span<const Pass> all_passes() {
  static constexpr Pass kPasses[] = {
      {"attach_adapters", "puts low-rank adapters behind linear layers, where some are loaded",
       adapters_asked_for},
      {"compute_bf16", "lets products round to bf16, where training asks for it", bf16_asked_for},
      {"dead_code", "removes what nobody reads", always<dead_code>},
      {"canonicalise", "gives equal work one form, drops what changes nothing",
       always<canonicalise>},
      {"fold_constants", "computes what depends on constants only", always<fold_constants>},
      {"common_subexpressions", "computes equal things once", always<common_subexpressions>},
      {"fuse_cross_entropy", "makes a written-out cross-entropy one operator",
       always<fuse_cross_entropy>},
      {"fuse_activations", "makes written-out activations one operator", always<fuse_activations>},
      {"lower_int8", "computes between quantize and dequantize on 8-bit levels", levels_as_said},
      {"int8_pixels", "lays out images of levels pixel by pixel", always<int8_pixels>},
      {"fuse_written_norms", "makes written-out norms and softmax one operator",
       always<fuse_written_norms>},
      {"fold_affine", "makes batch norm and factors part of frozen convolutions",
       folding_asked_for},
      {"fuse_linear", "gives products their bias, activation and residual", always<fuse_linear>},
      {"fuse_conv_gradient", "gives gradients of convolutions the sums and masks behind them",
       always<fuse_conv_gradient>},
      {"fuse_conv", "gives convolutions their activation and residual", always<fuse_conv>},
      {"choose_layout", "holds images with their channels in blocks where that is faster",
       layout_asked_for},
      {"fuse_batch_norm", "gives batch norm in training its ReLU, and its gradient that of both",
       always<fuse_batch_norm>},
      {"fuse_expand_depthwise",
       "makes frozen 1x1 and depthwise convolutions of levels one operator",
       always<fuse_expand_depthwise>},
      {"merge_again", "makes merged weights anew for gradients instead of keeping them",
       always<merge_again>},
      {"fuse_projections", "joins query, key and value; gate and up", always<fuse_projections>},
      {"fuse_norm", "normalises rows while a product prepares them", always<fuse_norm>},
      {"update_into_gradient", "applies plain SGD inside the product",
       always<update_into_gradient>},
      {"hoist_updates", "applies each gradient as soon as it is complete", always<hoist_updates>},
      {"drop_leftovers", "removes what the other passes left unread", always<dead_code>},
      {"partition", "gives regions to a backend, where one is asked for", partition_asked_for},
      {"reorder", "runs nodes in the order that needs the smallest arena", always<reorder>},
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
    result.graph = pass.run(std::move(result.graph), options);
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
