// The gradient of a convolution by its image, and then the bias.

#include <verge/engine/kernels/conv_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

Conv2d geometry(const graph::KernelCall& call) {
  return conv_of(call.attrs, call.out().shape, call.in(0).shape, call.in(1).shape);
}

bool supports(const graph::KernelCall& call) {
  return all_f32(call) && conv_fits(geometry(call));
}

int64_t workspace_bytes(const graph::KernelCall& call, int threads, Isa isa) {
  return static_cast<int64_t>(conv2d_data_workspace_bytes(isa, geometry(call), threads));
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  conv2d_backward_data(isa, geometry(call), f32(call, 0), f32(call, 1), f32_out(call),
                       call.workspace, worker);
  if (!call.has(2)) return;
  worker.sync();
  const Shape& y = call.out().shape;
  const int64_t area = y[2] * y[3];
  const auto [first, last] = worker.split(y[0] * y[1]);
  for (int64_t plane = first; plane < last; ++plane) {
    const float bias = f32(call, 2)[plane % y[1]];
    float* out = f32_out(call) + plane * area;
    for (int64_t i = 0; i < area; ++i) out[i] += bias;
  }
}

}  // namespace

KernelDef conv_transpose2d() {
  return {.op = "conv_transpose2d",
          .supports = supports,
          .run = run,
          .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
