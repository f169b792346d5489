#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const int64_t width = call.in(0).shape.back();
  const auto [first, last] = worker.split(call.in(1).shape.count());
  for (int64_t i = first; i < last; ++i) {
    std::memcpy(call.out().as<float>() + i * width,
                call.in(0).as<float>() + call.in(1).as<int32_t>()[i] * width,
                static_cast<size_t>(width) * sizeof(float));
  }
}

}  // namespace

KernelDef gather_rows() {
  return {.op = "gather_rows",
          .supports = [](const graph::KernelCall& call) { return call.in(0).dtype == DType::F32; },
          .run = run};
}

}  // namespace verge::kernels::ops
