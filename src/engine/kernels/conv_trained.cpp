#include <algorithm>

#include <verge/engine/kernels/conv_mirror.hpp>
#include <verge/engine/kernels/conv_tasks.hpp>
#include <verge/engine/kernels/conv_trained.hpp>
#include <verge/engine/kernels/conv_winograd.hpp>
#include <verge/engine/kernels/conv_winograd_gradient.hpp>

namespace verge::kernels {
namespace {

constexpr int kTile = 4;
constexpr int64_t kFewestTiles = 32;
constexpr int64_t kFewestChannels = 16;

/// Whether there are tiles enough for the transforms of weights, and products enough for those of
/// images.
bool takes_winograd(const Conv2d& c) {
  return winograd_fits(c) && std::min(c.in_channels, c.out_channels) >= kFewestChannels &&
         c.batch * pieces_of(c.out_height(), kTile) * pieces_of(c.out_width(), kTile) >=
             kFewestTiles;
}

size_t winograd_bytes(Isa isa, const Conv2d& conv, int threads) {
  return trained_winograd_workspace_bytes(isa, conv, kTile, threads);
}

}  // namespace

size_t trained_conv2d_workspace_bytes(Isa isa, const Conv2d& conv, int threads) {
  const size_t bytes = conv2d_forward_workspace_bytes(isa, conv, threads);
  return takes_winograd(conv) ? std::max(bytes, winograd_bytes(isa, conv, threads)) : bytes;
}

size_t trained_data_workspace_bytes(Isa isa, const Conv2d& conv, int threads) {
  const size_t bytes = conv2d_data_workspace_bytes(isa, conv, threads);
  if (!takes_winograd(conv) || !has_mirror(conv)) return bytes;
  return std::max(bytes, winograd_bytes(isa, mirror_of(conv), threads));
}

size_t trained_weight_workspace_bytes(Isa isa, const Conv2d& conv, int threads) {
  const size_t bytes = conv2d_weight_workspace_bytes(isa, conv, threads);
  if (!takes_winograd(conv)) return bytes;
  return std::max(bytes, winograd_gradient_workspace_bytes(isa, conv, kTile, threads));
}

void trained_conv2d(Isa isa, const Conv2d& conv, const float* x, const float* weight,
                    const float* bias, float* y, void* workspace, Worker& worker) {
  if (!takes_winograd(conv)) return conv2d(isa, conv, x, weight, bias, y, workspace, worker);
  conv2d_trained_winograd(isa, conv, kTile, x, {weight}, bias, y, workspace, worker);
}

void trained_conv2d_backward_data(Isa isa, const Conv2d& conv, const float* dy, const float* weight,
                                  float* dx, void* workspace, Worker& worker) {
  if (!takes_winograd(conv) || !has_mirror(conv)) {
    return conv2d_backward_data(isa, conv, dy, weight, dx, workspace, worker);
  }
  conv2d_trained_winograd(isa, mirror_of(conv), kTile, dy, {weight, true}, nullptr, dx, workspace,
                          worker);
}

void trained_conv2d_backward_weight(Isa isa, const Conv2d& conv, const float* x, const float* dy,
                                    float* d_weight, void* workspace, Worker& worker) {
  if (takes_winograd(conv)) {
    return winograd_backward_weight(isa, conv, kTile, x, dy, d_weight, workspace, worker);
  }
  conv2d_backward_weight(isa, conv, x, dy, d_weight, nullptr, workspace, worker);
}

}  // namespace verge::kernels
