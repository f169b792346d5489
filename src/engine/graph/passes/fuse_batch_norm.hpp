#pragma once
// fuse_batch_norm: a ReLU that alone reads a batch norm in training becomes part of it, and so does
// the ReLU's gradient of the norm's. No mask is kept: the norm's gradient reads x anyway, and finds
// from it, bit for bit, where the norm gave more than 0. Saves a pass over the image forward, one
// backward, and the masks. Runs after differentiation and dead_code.

#include <verge/engine/graph/ir.hpp>

namespace verge::graph {

Graph fuse_batch_norm(Graph graph);

}  // namespace verge::graph
