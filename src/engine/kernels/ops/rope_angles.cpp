// The cosines and sines of all positions, in double, shared by all layers.

#include <cmath>

#include <verge/engine/kernels/kernel.hpp>

namespace verge::kernels::ops {
namespace {

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const int64_t pairs = call.in(1).shape.count();
  const double magnitude = call.attrs.real("magnitude", 1);
  const auto [first, last] = worker.split(call.in(0).shape.count());
  for (int64_t t = first; t < last; ++t) {
    const double position = call.in(0).as<int32_t>()[t];
    float* row = call.out().as<float>() + t * 2 * pairs;
    for (int64_t i = 0; i < pairs; ++i) {
      const double angle = position * static_cast<double>(call.in(1).as<float>()[i]);
      row[i] = static_cast<float>(magnitude * std::cos(angle));
      row[pairs + i] = static_cast<float>(magnitude * std::sin(angle));
    }
  }
}

}  // namespace

KernelDef rope_angles() {
  return {.op = "rope_angles",
          .supports = [](const graph::KernelCall& call) { return call.in(1).dtype == DType::F32; },
          .run = run};
}

}  // namespace verge::kernels::ops
