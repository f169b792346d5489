#pragma once
// Images with their channels in blocks: [batch, channels, height, width] as [batch, blocks, height,
// width, 16], where channel c is lane c % 16 of block c / 16. The lanes of a pixel lie together, so
// that a kernel sums 16 channels at once whatever the width of the image. The last block's lanes
// beyond the channels hold values that nobody may use.

#include <vector>

#include <verge/engine/graph/op.hpp>

namespace verge::graph {

/// Lanes of a block, on every processor: a vector of AVX-512, two of AVX2.
constexpr int64_t kChannelBlock = 16;

constexpr int64_t channel_blocks(int64_t channels) {
  return (channels + kChannelBlock - 1) / kChannelBlock;
}

/// The extents of an image [n, c, h, w] in blocks.
Dims blocked_dims(const Dims& image);
/// The extents of an image in blocks as [n, 16 * blocks, h, w], all lanes counted.
Dims unblocked_dims(const Dims& blocked);

/// x must be an image in blocks, with constant extents but for the batch.
Status expect_blocked(const InferContext& context, size_t input, std::string_view argument);
/// The attribute {channels}: how many of the lanes of input 0 are used.
Result<int64_t> channels_of(const InferContext& context);

/// A tensor in blocks as f64 [n, 16 * blocks, h, w], and one [n, c, h, w] with zeros in the lanes
/// beyond its channels as f64 in blocks: what references compute with.
Tensor unblocked(const TensorView& blocked);
Tensor blocked(const TensorView& image);

}  // namespace verge::graph
