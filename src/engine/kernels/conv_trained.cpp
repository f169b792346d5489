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

}  // namespace

// Tiles enough for the transforms of weights, and products enough for those of images.
int winograd_by_rule(const Conv2d& c) {
  const bool pays =
      winograd_fits(c) && std::min(c.in_channels, c.out_channels) >= kFewestChannels &&
      c.batch * pieces_of(c.out_height(), kTile) * pieces_of(c.out_width(), kTile) >= kFewestTiles;
  return pays ? kTile : 0;
}

bool data_winograd_fits(const Conv2d& conv) {
  return winograd_fits(conv) && has_mirror(conv) && conv.out_channels > 0;
}

size_t trained_conv2d_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads) {
  return m == 0 ? conv2d_forward_workspace_bytes(isa, conv, threads)
                : trained_winograd_workspace_bytes(isa, conv, m, threads);
}

size_t trained_data_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads) {
  return m == 0 ? conv2d_data_workspace_bytes(isa, conv, threads)
                : trained_winograd_workspace_bytes(isa, mirror_of(conv), m, threads);
}

size_t trained_weight_workspace_bytes(Isa isa, const Conv2d& conv, int m, int threads) {
  return m == 0 ? conv2d_weight_workspace_bytes(isa, conv, threads)
                : winograd_gradient_workspace_bytes(isa, conv, m, threads);
}

void trained_conv2d(Isa isa, const Conv2d& conv, int m, const float* x, const float* weight,
                    const float* bias, float* y, void* workspace, Worker& worker) {
  if (m == 0) return conv2d(isa, conv, x, weight, bias, y, workspace, worker);
  conv2d_trained_winograd(isa, conv, m, x, {weight}, bias, y, workspace, worker);
}

void trained_conv2d_backward_data(Isa isa, const Conv2d& conv, int m, const float* dy,
                                  const float* weight, float* dx, void* workspace, Worker& worker) {
  if (m == 0) return conv2d_backward_data(isa, conv, dy, weight, dx, workspace, worker);
  conv2d_trained_winograd(isa, mirror_of(conv), m, dy, {weight, true}, nullptr, dx, workspace,
                          worker);
}

void trained_conv2d_backward_weight(Isa isa, const Conv2d& conv, int m, const float* x,
                                    const float* dy, float* d_weight, void* workspace,
                                    Worker& worker) {
  if (m != 0) return winograd_backward_weight(isa, conv, m, x, dy, d_weight, workspace, worker);
  conv2d_backward_weight(isa, conv, x, dy, d_weight, nullptr, workspace, worker);
}

}  // namespace verge::kernels
