#include <numeric>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/loss.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  return all_f32(call) && call.in(0).dtype == DType::F32 && call.in(0).shape.rank() > 0;
}

void run(const graph::KernelCall& call, Worker& worker, Isa) {
  const int64_t rows = call.in(0).shape.rows();
  auto* losses = reinterpret_cast<float*>(call.workspace);
  mean_squared_error(rows, call.in(0).shape.back(), f32(call, 0), f32(call, 1), losses, worker);
  worker.sync();
  if (worker.index() == 0) {
    const double sum = std::accumulate(losses, losses + rows, 0.0);
    *f32_out(call) = static_cast<float>(sum / static_cast<double>(rows));
  }
}

}  // namespace

KernelDef mse_loss() {
  return {.op = "mse_loss",
          .supports = supports,
          .run = run,
          .workspace_bytes = [](const graph::KernelCall& call, int, Isa) {
            return call.in(0).shape.rows() * static_cast<int64_t>(sizeof(float));
          }};
}

}  // namespace verge::kernels::ops
