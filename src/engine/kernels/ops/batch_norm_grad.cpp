#include <cmath>

#include <verge/engine/kernels/batch_norm_call.hpp>
#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

// Inputs: dy, scale, var, x?, mean?; outputs dx?, dbias?, dscale?. Channel by channel, sums first:
// dx may be dy.
void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const BatchNorm norm = batch_norm_of(call.attrs, call.in(0).shape);
  const ElementKernels& kernels = element_kernels(isa);
  const float* dy = f32(call, 0);
  float *dx = f32_out(call, 0), *dbias = f32_out(call, 1), *dscale = f32_out(call, 2);
  const auto [first, last] = worker.split(norm.channels);
  for (int64_t channel = first; channel < last; ++channel) {
    const float rstd = 1 / std::sqrt(f32(call, 2)[channel] + norm.epsilon);
    const float factor = f32(call, 1)[channel] * rstd;
    double total = 0, along = 0;
    for (int64_t image = 0; image < norm.batch; ++image) {
      const int64_t at = (image * norm.channels + channel) * norm.area;
      if (dbias != nullptr) total += kernels.sum(norm.area, dy + at);
      if (dscale != nullptr) {
        along += kernels.dot_centred(norm.area, f32(call, 3) + at, f32(call, 4)[channel], dy + at);
      }
      if (dx != nullptr) kernels.affine(norm.area, dy + at, factor, 0, dx + at);
    }
    if (dbias != nullptr) dbias[channel] = static_cast<float>(total);
    if (dscale != nullptr) dscale[channel] = static_cast<float>(along * rstd);
  }
}

}  // namespace

KernelDef batch_norm_grad() {
  return {.op = "batch_norm_grad", .supports = all_f32, .run = run};
}

}  // namespace verge::kernels::ops
