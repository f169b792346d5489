// A copy with other channels: scatter_channels into other memory.

#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  return call.in(2).dtype == DType::I32;
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  find_kernel("scatter_channels")->run(call, worker, isa);
}

}  // namespace

KernelDef merge_channels() {
  return {.op = "merge_channels", .supports = supports, .run = run};
}

}  // namespace verge::kernels::ops
