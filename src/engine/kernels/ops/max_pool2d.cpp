#include <cstring>

#include <verge/engine/kernels/int8_rows.hpp>
#include <verge/engine/kernels/int8_window.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/level_planes.hpp>
#include <verge/engine/kernels/pool_call.hpp>

namespace verge::kernels::ops {
namespace {

/// Levels whose channels stand together, where nobody asks which won.
bool is_level_pool(const graph::KernelCall& call) {
  return graph::is_level(call.in(0).dtype) && graph::is_channels_last(call.attrs) && !call.wants(1);
}

/// Levels of one plane after the other.
bool is_plane_pool(const graph::KernelCall& call) {
  const graph::Window2d window(call.attrs);
  return graph::is_level(call.in(0).dtype) && !graph::is_channels_last(call.attrs) &&
         window.dilations[0] == 1 && window.dilations[1] == 1;
}

void run_levels(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape &x = call.in(0).shape, &y = call.out().shape;
  const graph::Window2d window(call.attrs);
  const bool is_signed = call.in(0).dtype == DType::I8;
  const auto [first, last] = worker.split(y[0] * y[1] * y[2]);
  for (int64_t pixel = first; pixel < last; ++pixel) {
    std::byte* out = bytes_out(call) + pixel * y[3];
    bool is_first = true;
    for_each_window_pixel(x, y, window, pixel, [&](int64_t at) {
      const std::byte* from = bytes_in(call, 0) + at;
      if (is_first) {
        std::memcpy(out, from, static_cast<size_t>(y[3]));
      } else {
        int8_row_kernels(isa).largest(y[3], {from, is_signed}, out);
      }
      is_first = false;
    });
  }
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  if (is_level_pool(call)) return run_levels(call, worker, isa);
  if (graph::is_level(call.in(0).dtype)) {
    max_pool_levels(pool_of(call.attrs, call.in(0).shape),
                    {call.in(0).data, call.in(0).dtype == DType::I8, 0}, bytes_out(call),
                    call.wants(1) ? call.out(1).as<uint8_t>() : nullptr, worker);
    return;
  }
  max_pool(pool_of(call.attrs, call.in(0).shape), f32(call, 0), f32_out(call),
           call.wants(1) ? call.out(1).as<uint8_t>() : nullptr, worker);
}

}  // namespace

KernelDef max_pool2d() {
  return {.op = "max_pool2d",
          .supports =
              [](const graph::KernelCall& call) {
                return is_dense_pool(call) || is_level_pool(call) || is_plane_pool(call);
              },
          .run = run};
}

}  // namespace verge::kernels::ops
