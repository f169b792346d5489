#include <cmath>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  if (worker.index() != 0) return;
  double squares = 0;
  for (size_t i = 0; i < call.inputs.size(); ++i) squares += std::pow(double{*f32(call, i)}, 2);
  const double most = call.attrs.real("max_norm", 1), norm = std::sqrt(squares);
  *f32_out(call) = static_cast<float>(norm > most ? most / norm : 1);
}

}  // namespace

KernelDef clip_factor() {
  return {.op = "clip_factor",
          .supports = [](const graph::KernelCall& call) { return call.in(0).dtype == DType::F32; },
          .run = run};
}

}  // namespace verge::kernels::ops
