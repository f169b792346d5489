// The mean loss over the rows that count and, in the logits' place, its gradient.

#include <algorithm>
#include <numeric>

#include <verge/engine/kernels/call_shapes.hpp>
#include <verge/engine/kernels/kernel.hpp>
#include <verge/engine/kernels/loss.hpp>

namespace verge::kernels::ops {
namespace {

bool supports(const graph::KernelCall& call) {
  return call.in(0).dtype == DType::F32 && call.in(1).dtype == DType::I32;
}

int64_t workspace_bytes(const graph::KernelCall& call, int, Isa) {
  return call.in(0).shape.rows() * static_cast<int64_t>(sizeof(float));
}

float* logits_for_gradient(const graph::KernelCall& call, Worker& worker) {
  const TensorView &logits = call.in(0), &gradient = call.out(1);
  if (!call.wants(1) || gradient.data == logits.data) return logits.as<float>();
  const auto [first, last] = worker.split(logits.shape.rows());
  const int64_t n = logits.shape.back();
  std::memcpy(gradient.as<float>() + first * n, logits.as<float>() + first * n,
              static_cast<size_t>((last - first) * n) * sizeof(float));
  worker.sync();
  return gradient.as<float>();
}

void run(const graph::KernelCall& call, Worker& worker, Isa isa) {
  const int64_t rows = call.in(0).shape.rows();
  const auto* targets = call.in(1).as<int32_t>();
  const int64_t n = call.in(0).shape.back();
  const auto counted =
      std::count_if(targets, targets + rows, [n](int32_t t) { return t >= 0 && t < n; });
  auto* losses = reinterpret_cast<float*>(call.workspace);
  const float share = 1.0f / static_cast<float>(std::max<int64_t>(counted, 1));
  softmax_cross_entropy(isa, rows, call.in(0).shape.back(), logits_for_gradient(call, worker),
                        targets, call.wants(1) ? share : 0, losses, worker);
  worker.sync();
  if (worker.index() == 0 && call.wants(0)) {
    *f32_out(call) = static_cast<float>(std::accumulate(losses, losses + rows, 0.0) * share);
  }
}

}  // namespace

KernelDef softmax_cross_entropy() {
  return {.op = "softmax_cross_entropy",
          .supports = supports,
          .run = run,
          .workspace_bytes = workspace_bytes};
}

}  // namespace verge::kernels::ops
