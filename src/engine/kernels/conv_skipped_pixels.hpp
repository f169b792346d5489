#pragma once
// Pointwise convolutions that read every so many pixels of an image in blocks: what they read is
// taken together first, so that the rest is a convolution of stride 1. Internal to this module.

#include <verge/engine/kernels/conv_blocked.hpp>

namespace verge::kernels {

/// Of a 1x1 kernel, without padding.
bool is_unpadded_pointwise(const Conv2d& conv);

/// Whether the convolution leaves pixels between those that it reads, and take_read() pays.
bool skips_pixels(const BlockedConv& of);

/// The same over an image of the pixels that it reads; itself where it skips none.
BlockedConv without_skipped(BlockedConv of);

/// The size of that image, in floats.
int64_t read_floats(const BlockedConv& of);

/// `to`: that image, of x [batch, blocks, in_height, in_width, 16]; each worker takes its rows.
void take_read(const Conv2d& conv, const float* x, float* to, Worker& worker);

}  // namespace verge::kernels
