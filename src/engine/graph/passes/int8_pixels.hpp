#pragma once
// int8_pixels: images of levels (levels.hpp) lie as [batch, height, width, channels], in which a
// 1x1 convolution is a matrix product and each pixel's channels stand together; quantize and
// dequantize turn them, and nodes of `transpose` where an operator between knows planes only. Runs
// after lower_int8. Results stay the same.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph int8_pixels(Graph graph);

}  // namespace verge::graph
