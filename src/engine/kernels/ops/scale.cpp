#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/elements.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  const DType dtype = call.in(0).dtype;
  return (dtype == DType::F32 || dtype == DType::F64) && call.out().dtype == dtype;
}

void scale_doubles(const graph::KernelCall& call, Worker& worker) {
  const double factor = call.attrs.real("factor", 1), offset = call.attrs.real("offset", 0);
  const auto [first, last] = worker.split(call.out().shape.count(), kMapGrain);
  const auto* x = call.in(0).as<double>();
  auto* y = call.out().as<double>();
  for (int64_t i = first; i < last; ++i) y[i] = x[i] * factor + offset;
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  if (call.in(0).dtype == DType::F64) return scale_doubles(call, worker);
  const auto factor = static_cast<float>(call.attrs.real("factor", 1));
  const auto offset = static_cast<float>(call.attrs.real("offset", 0));
  if (offset != 0) {
    const auto [first, last] = worker.split(call.out().shape.count(), kMapGrain);
    return element_kernels(isa).affine(last - first, f32(call, 0) + first, factor, offset,
                                       f32_out(call) + first);
  }
  scale(isa, call.out().shape.count(), factor, f32(call, 0), f32_out(call), worker);
}

}  // namespace

KernelDef scale() {
  return {.op = "scale", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
