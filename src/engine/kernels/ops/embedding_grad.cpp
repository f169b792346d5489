#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/elementwise.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  return call.in(1).dtype == DType::F32 && call.out().dtype == DType::F32;
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const auto [first, last] = worker.split(call.out().shape.count(), 16);
  std::memset(f32_out(call) + first, 0, static_cast<size_t>(last - first) * sizeof(float));
  worker.sync();
  scatter_add_rows(isa, call.out().shape.back(), call.in(0).as<int32_t>(), call.in(0).shape.count(),
                   f32(call, 1), f32_out(call), worker);
}

}  // namespace

KernelDef embedding_grad() {
  return {.op = "embedding_grad", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
