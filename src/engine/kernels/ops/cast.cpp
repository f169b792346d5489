// Between f32 and its halves, and among f32, f64, u8 and i32; other types are left to the
// reference.

#include <verge/engine/graph/stored_as.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/map_call.hpp>
#include <verge/engine/kernels/rows.hpp>

namespace verge::kernels::ops {
namespace {

bool is_half(DType dtype) {
  return dtype == DType::F16 || dtype == DType::BF16;
}

bool is_plain_number(DType dtype) {
  return dtype == DType::F32 || dtype == DType::F64 || dtype == DType::U8 || dtype == DType::I32;
}

bool supports(const graph::KernelCall& call) {
  const DType from = call.in(0).dtype, to = call.out().dtype;
  return (from == DType::F32 && is_half(to)) || (is_half(from) && to == DType::F32) ||
         (is_plain_number(from) && is_plain_number(to));
}

// By way of double and rounded, as the reference does.
template <typename From, typename To>
void cast_as(const graph::KernelCall& call, Worker& worker) {
  const auto [first, last] = worker.split(call.out().shape.count(), kMapGrain);
  const From* x = call.in(0).as<From>();
  To* y = call.out().as<To>();
  for (int64_t i = first; i < last; ++i) y[i] = graph::stored_as<To>(static_cast<double>(x[i]));
}

template <typename From>
void cast_from(const graph::KernelCall& call, Worker& worker) {
  switch (call.out().dtype) {
    case DType::F64:
      return cast_as<From, double>(call, worker);
    case DType::U8:
      return cast_as<From, uint8_t>(call, worker);
    case DType::I32:
      return cast_as<From, int32_t>(call, worker);
    default:
      return cast_as<From, float>(call, worker);
  }
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const DType from = call.in(0).dtype, to = call.out().dtype;
  if (from == DType::F64) return cast_from<double>(call, worker);
  if (from == DType::U8) return cast_from<uint8_t>(call, worker);
  if (from == DType::I32) return cast_from<int32_t>(call, worker);
  if (from == DType::F32 && !is_half(to)) return cast_from<float>(call, worker);
  const auto [first, last] = worker.split(call.out().shape.count(), kMapGrain);
  if (to == DType::F32) {
    row_kernels(isa).widen(from, last - first, call.in(0).as<uint16_t>() + first,
                           f32_out(call) + first);
  } else {
    row_kernels(isa).narrow(to, last - first, f32(call, 0) + first,
                            call.out().as<uint16_t>() + first);
  }
}

}  // namespace

KernelDef cast() {
  return {.op = "cast", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
