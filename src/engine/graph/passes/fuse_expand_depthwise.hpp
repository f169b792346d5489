#pragma once

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

/// In graphs that train: a 1x1 convolution of levels and the depthwise one that alone reads its
/// result become expand_depthwise_int8, which never stores what lies between. Where a gradient
/// needs that, as in layers that learn, nothing changes.
Graph fuse_expand_depthwise(Graph graph);

}  // namespace verge::graph
