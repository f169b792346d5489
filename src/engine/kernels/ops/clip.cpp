// min(max(x, {min}), {max}) and, where a gradient will need it, a bit for each element: whether it
// passed.

#include <cmath>

#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

// The grain is a cache line of the mask, so that no two workers share one.
void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const auto low = static_cast<float>(call.attrs.real("min", -HUGE_VAL));
  const auto high = static_cast<float>(call.attrs.real("max", HUGE_VAL));
  const auto [first, last] = worker.split(call.in(0).shape.count(), 512);
  const float* x = f32(call, 0);
  float* y = f32_out(call);
  for (int64_t i = first; i < last && call.wants(1); i += 8) {
    unsigned bits = 0;
    for (int64_t j = i; j < std::min(i + 8, last); ++j) {
      bits |= static_cast<unsigned>(x[j] > low && x[j] < high) << (j - i);
    }
    call.out(1).as<uint8_t>()[i / 8] = static_cast<uint8_t>(bits);
  }
  for (int64_t i = first; i < last; ++i) y[i] = std::clamp(x[i], low, high);
}

}  // namespace

KernelDef clip() {
  return {.op = "clip",
          .supports = [](const graph::KernelCall& call) { return call.in(0).dtype == DType::F32; },
          .run = run};
}

}  // namespace verge::kernels::ops
