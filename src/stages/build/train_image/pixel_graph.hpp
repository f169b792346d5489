#pragma once
// pixel_graph: a trained classifier for one image of bytes, as a camera gives it: what is said of
// the training images (their mean and deviation) becomes part of the Graph.

#include <verge/engine/model/image_network.hpp>

namespace verge::build {

/// Input "pixels" [1, channels, height, width], 0 to 255; output "logits" [1, classes]. Of a
/// network that judges by an image and its mirror, the logits of the image alone. Fails as
/// nn::build_cnn does.
Result<graph::Graph> pixel_graph(const model::ImageNetwork& network);

}  // namespace verge::build
