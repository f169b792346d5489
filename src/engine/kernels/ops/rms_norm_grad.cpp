#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/norm.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  return all_f32(call) && call.wants(0);
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const Shape& shape = call.in(0).shape;
  float* d_weight = f32_out(call, 1);
  if (d_weight != nullptr) {
    if (worker.index() == 0)
      std::memset(d_weight, 0, static_cast<size_t>(shape.back()) * sizeof(float));
    worker.sync();
  }
  rms_norm_backward(isa, shape.rows(), shape.back(), f32(call, 0), f32(call, 1), f32(call, 2),
                    f32(call, 3), f32_out(call), d_weight, worker);
}

}  // namespace

KernelDef rms_norm_grad() {
  return {.op = "rms_norm_grad", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
