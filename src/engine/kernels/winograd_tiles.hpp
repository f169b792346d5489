#pragma once
// WinogradKernels: the transforms of conv_winograd.hpp, one table per instruction set. Internal to
// this module.

#include <cstdint>

#include <verge/engine/kernels/conv.hpp>
#include <verge/engine/kernels/isa.hpp>

namespace verge::kernels {

/// Tiles of m x m results, numbered over all images row by row, and a block of them.
struct WinogradTiles {
  int64_t height, width, pad_top, pad_left;  // of an image, and around it
  int64_t out_height, out_width;
  int64_t down, across;  // tiles of an image
  int64_t first, count;  // the block
  int64_t columns;       // count, filled up to whole vectors
};

/// Floats past the columns of a row of tiles that a transform reads or writes.
constexpr int64_t kWinogradSlack = 4 * 16 + 8;

struct WinogradKernels {
  /// v[xi * plane + column] = (B^T d B)[xi] for the tiles d of one channel; `x` is that channel of
  /// image 0, images are image_stride apart. `scratch` holds (m + 2) * (m * across +
  /// kWinogradSlack) floats and a row of `width` zeros before them.
  void (*load)(const WinogradTiles& tiles, const float* x, int64_t image_stride, float* scratch,
               int64_t plane, float* v);
  /// y = A^T s A + bias, and what follows in `conv`, for the sums s[xi * plane + column] of one
  /// channel; `residual` and `passed` lie like y, or are null.
  void (*store)(const WinogradTiles& tiles, const float* sums, int64_t plane, float bias,
                const Conv2d& conv, float* y, const float* residual, const float* passed,
                int64_t image_stride);
  /// v[xi * plane + column] = (A dy A^T)[xi] for the tiles dy of one channel, as load(); `tiles`
  /// are those of an image of the size of dy.
  void (*spread)(const WinogradTiles& tiles, const float* dy, int64_t image_stride, float* scratch,
                 int64_t plane, float* v);
  /// u[xi * plane + i] = (G w G^T)[xi] for n kernels w[tap * stride + i].
  void (*weights)(int64_t n, const float* w, int64_t stride, int64_t plane, float* u);
  /// w[tap * stride + i] = (G^T u G)[tap] for u[xi * plane + i].
  void (*taps)(int64_t n, const float* u, int64_t plane, int64_t stride, float* w);
};

/// m is 2 or 4.
const WinogradKernels& winograd_kernels(Isa isa, int m);

}  // namespace verge::kernels
