// Between f32 and its halves; other types are left to the reference.

#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels::ops {
namespace {

bool is_half(DType dtype) {
  return dtype == DType::F16 || dtype == DType::BF16;
}

bool supports(const graph::KernelCall& call) {
  const DType from = call.in(0).dtype, to = call.out().dtype;
  return (from == DType::F32 && is_half(to)) || (is_half(from) && to == DType::F32);
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const auto [first, last] = worker.split(call.out().shape.count(), kMapGrain);
  if (call.out().dtype == DType::F32) {
    row_kernels(isa).widen(call.in(0).dtype, last - first, call.in(0).as<uint16_t>() + first,
                           f32_out(call) + first);
  } else {
    row_kernels(isa).narrow(call.out().dtype, last - first, f32(call, 0) + first,
                            call.out().as<uint16_t>() + first);
  }
}

}  // namespace

KernelDef cast() {
  return {.op = "cast", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
