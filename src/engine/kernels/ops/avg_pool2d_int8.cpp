#include <cstring>

#include <verge/engine/kernels/int8_rows.hpp>
#include <verge/engine/kernels/int8_window.hpp>
#include <verge/engine/kernels/level_call.hpp>
#include <verge/engine/kernels/level_planes.hpp>
#include <verge/engine/kernels/pool_call.hpp>

namespace verge::kernels::ops {
namespace {

constexpr int64_t kPieceChannels = 256;  // of a pixel, whose sums stay in an L1 cache

bool supports(const graph::KernelCall& call) {
  const graph::Window2d window(call.attrs);
  return graph::is_channels_last(call.attrs) ||
         (window.dilations[0] == 1 && window.dilations[1] == 1);
}

// Pieces of pixels: few pixels of many channels are shared as well as many of few.
void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape &x = call.in(0).shape, &y = call.out().shape;
  if (!graph::is_channels_last(call.attrs)) {
    avg_pool_levels(pool_of(call.attrs, x), level_image(call, 0), call.attrs.real("multiplier"),
                    requantize_of(call.attrs), bytes_out(call), worker);
    return;
  }
  const graph::Window2d window(call.attrs);
  const Requantize how = requantize_of(call.attrs);
  const bool is_signed = call.in(0).dtype == DType::I8;
  const bool counts_padding = call.attrs.integer("count_include_pad") != 0;
  const auto zero = static_cast<int32_t>(call.attrs.integer("x_zero"));
  const double multiplier = call.attrs.real("multiplier");
  const int64_t channels = y[3], pieces = (channels + kPieceChannels - 1) / kPieceChannels;
  const auto [first, last] = worker.split(y[0] * y[1] * y[2] * pieces);
  for (int64_t i = first; i < last; ++i) {
    const int64_t pixel = i / pieces, channel = i % pieces * kPieceChannels;
    const int64_t n = std::min(kPieceChannels, channels - channel);
    int32_t sums[kPieceChannels] = {};
    int32_t seen = 0;
    for_each_window_pixel(x, y, window, pixel, [&](int64_t at) {
      ++seen;
      int8_row_kernels(isa).accumulate(n, {bytes_in(call, 0) + at + channel, is_signed}, sums);
    });
    const int64_t count = counts_padding ? window.kernel[0] * window.kernel[1] : seen;
    const double factor = count > 0 ? multiplier / static_cast<double>(count) : 0;
    const int64_t width = how.to == DType::F32 ? 4 : 1;
    int8_row_kernels(isa).requantize(n, sums, seen * zero, static_cast<float>(factor), how,
                                     bytes_out(call) + (pixel * channels + channel) * width);
  }
}

}  // namespace

KernelDef avg_pool2d_int8() {
  return {.op = "avg_pool2d_int8", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
