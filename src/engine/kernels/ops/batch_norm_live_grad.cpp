#include <algorithm>

#include <verge/engine/kernels/batch_norm_call.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

// All three gradients are made; an output that nobody reads has no shape.
bool supports(const graph::KernelCall& call) {
  const auto is_read = [](const TensorView& view) { return view.shape.rank() > 0; };
  return all_f32(call) && std::ranges::all_of(call.outputs, is_read);
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  BatchNorm norm = batch_norm_of(call.attrs, call.in(0).shape);
  norm.has_relu = call.has(5);
  batch_norm_backward(isa, norm, f32(call, 0), f32(call, 1), f32(call, 5), f32(call, 2),
                      f32(call, 3), f32(call, 4), f32_out(call, 0), f32_out(call, 1),
                      f32_out(call, 2), worker);
}

}  // namespace

KernelDef batch_norm_live_grad() {
  return {.op = "batch_norm_live_grad", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
