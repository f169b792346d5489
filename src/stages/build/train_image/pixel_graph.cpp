#include <algorithm>

#include <verge/engine/graph/builder.hpp>
#include <verge/stages/build/train_image/pixel_graph.hpp>

namespace verge::build {

Result<graph::Graph> pixel_graph(const model::ImageNetwork& network) {
  VERGE_TRY(graph::Graph inference, nn::build_cnn(network.config, 1));
  const graph::ValueId pixels = inference.find("images");
  inference.value(pixels).name = "pixels";
  graph::Builder b(std::move(inference));
  b.source("normalization");
  const double factor = 1 / static_cast<double>(network.normalization.deviation);
  const graph::ValueId images = b.op(
      "scale", {pixels}, {{"factor", factor}, {"offset", -factor * network.normalization.mean}});
  graph::Graph& graph = b.graph();
  for (size_t i = 0; i + 1 < graph.nodes.size(); ++i) {
    std::ranges::replace(graph.nodes[i].inputs, pixels, images);
  }
  std::ranges::rotate(graph.nodes, graph.nodes.end() - 1);  // before those that read it
  return b.finish();
}

}  // namespace verge::build
