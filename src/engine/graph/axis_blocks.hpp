#pragma once
// A tensor seen along one axis: `outer` blocks of `outer_bytes`, each of slices of `inner_bytes`.

#include <verge/core/tensor.hpp>

namespace verge::graph {

struct AxisBlocks {
  int64_t outer;        // product of the extents before the axis
  int64_t outer_bytes;  // of the axis and all after it
  int64_t inner_bytes;  // of all after the axis
};

inline AxisBlocks axis_blocks(const TensorView& tensor, int axis) {
  AxisBlocks blocks{1, 0, info(tensor.dtype).block_bytes};
  for (int i = 0; i < axis; ++i) blocks.outer *= tensor.shape[i];
  for (int i = axis + 1; i < tensor.shape.rank(); ++i) blocks.inner_bytes *= tensor.shape[i];
  blocks.outer_bytes = blocks.inner_bytes * tensor.shape[axis];
  return blocks;
}

}  // namespace verge::graph
