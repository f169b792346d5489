// The weighted sum of the chosen experts' results.

#include <algorithm>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const int64_t chosen = call.in(0).shape[1], width = call.in(0).shape[2];
  const auto [first, last] = worker.split(call.in(0).shape[0]);
  for (int64_t t = first; t < last; ++t) {
    float* y = f32_out(call) + t * width;
    std::fill_n(y, width, 0.0f);
    for (int64_t e = 0; e < chosen; ++e) {
      const int64_t row = t * chosen + e;
      row_kernels(isa).axpy(width, f32(call, 1)[row], f32(call, 0) + row * width, y);
    }
  }
}

}  // namespace

KernelDef expert_combine() {
  return {.op = "expert_combine", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
